"""How the simulated Messages API says no: the status, the type and the words, in the real error body.

Source: Claude docs, api/errors; the type names are those of the SDK's `types/shared/error_type.py`.
"""

from collections.abc import Mapping
from typing import Any

STATUS_BY_TYPE = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
TYPE_BY_STATUS = {status: kind for kind, status in STATUS_BY_TYPE.items()}

_WORDS = {
    "authentication_error": "invalid x-api-key",
    "billing_error": "Your credit balance is too low to access the API.",
    "permission_error": "Your API key does not have permission to use the specified resource.",
    "rate_limit_error": "This request would exceed the rate limit for your organization.",
    "api_error": "Internal server error",
    "timeout_error": "The request timed out.",
    "overloaded_error": "Overloaded",
    "request_too_large": "Request exceeds the maximum size",
}


class Refused(Exception):  # noqa: N818 - it says what happened to the request
    """A request the API does not accept. `details` is machine-readable, as in `error.details` of the body."""

    def __init__(
        self, message: str, kind: str = "invalid_request_error", *, details: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.kind = kind
        self.details = details

    @property
    def status(self) -> int:
        """The HTTP status that goes with the type."""
        return STATUS_BY_TYPE[self.kind]


def words(kind: str) -> str:
    """Return the API's usual sentence for an error type."""
    return _WORDS.get(kind, "The simulation was told to refuse this request.")


def error_body(kind: str, message: str, request_id: str, details: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the JSON body of an error; the same shape is the data of an `error` event in a stream."""
    error: dict[str, Any] = {"type": kind, "message": message}
    if details is not None:
        error["details"] = dict(details)
    return {"type": "error", "error": error, "request_id": request_id}
