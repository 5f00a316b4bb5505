"""Errors of the SDK and the API → our errors, with the originals as their causes."""

import contextlib
import math
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from bot.claude.api.sse import ErrorEvent
from bot.claude.errors import (
    AuthenticationRefused,
    ClaudeError,
    ContextFull,
    InvalidRequest,
    ModelNotFound,
    NoConnection,
    Overloaded,
    RateLimited,
    RequestTooLarge,
    SpendLimitReached,
    Stalled,
    Unavailable,
)

_SPEND_CODES = (
    "enforced_spend_limit_reached",
    "contract_spend_limit_reached",
    "linked_organization_spend_limit_reached",
    "ramp_limit_exceeded",
)  # anthropic SDK 2.12, types/shared/*_error.py: a 429 of these has no retry-after, and waiting is useless
_FULL = ("prompt is too long", "exceed context limit", "exceeds the context window")


def translate(error: Exception) -> ClaudeError:
    """Return our error for what the SDK raised; the caller makes the original its cause."""
    import anthropic  # noqa: PLC0415
    import httpx2  # noqa: PLC0415

    if isinstance(error, anthropic.APIStatusError):
        made = from_api(
            error.type or "",
            str(error.api_message or error.message),
            status=error.status_code,
            code=error.error_code,
            request_id=error.request_id,
            retry_after_s=retry_after(error.response.headers),
        )
        if error.response.headers.get("x-should-retry") == "false":  # as the SDK's own retries do
            made.retryable = False
        return made
    if isinstance(error, anthropic.APITimeoutError):
        if isinstance(error.__cause__, httpx2.ReadTimeout):
            return Stalled("the API did not answer in time")
        return NoConnection("no connection to the API in time: too many at once, or the host does not answer")
    if isinstance(error, anthropic.APIConnectionError):
        made_none = isinstance(error.__cause__, httpx2.ConnectError)
        return (NoConnection if made_none else Unavailable)(f"the API cannot be reached: {error.__cause__ or error}")
    return ClaudeError(str(error))


_BY_TYPE: dict[str, type[ClaudeError]] = {
    "authentication_error": AuthenticationRefused,
    "permission_error": AuthenticationRefused,
    "billing_error": SpendLimitReached,
    "not_found_error": ModelNotFound,
    "request_too_large": RequestTooLarge,
    "invalid_request_error": InvalidRequest,
    "rate_limit_error": RateLimited,
    "overloaded_error": Overloaded,
    "api_error": Unavailable,
    "timeout_error": Unavailable,
}
_BY_STATUS: dict[int, type[ClaudeError]] = {
    401: AuthenticationRefused,
    402: SpendLimitReached,
    403: AuthenticationRefused,
    404: ModelNotFound,
    408: Unavailable,
    409: Unavailable,
    413: RequestTooLarge,
    429: RateLimited,
    529: Overloaded,
}


def from_api(
    kind: str,
    message: str,
    *,
    status: int = 0,
    code: str | None = None,
    request_id: str | None = None,
    retry_after_s: float | None = None,
) -> ClaudeError:
    """Return the error for an error of the API: `kind` is its type, `code` its machine-readable code, if any.

    Source: Claude docs, api/errors. A prompt that is too long has no type of its own and is recognised by the message.
    """
    made = _BY_TYPE.get(kind) or _BY_STATUS.get(status) or (InvalidRequest if 400 <= status < 500 else Unavailable)
    if code in _SPEND_CODES:
        made = SpendLimitReached
    elif made is InvalidRequest and any(words in message.lower() for words in _FULL):
        made = ContextFull
    return made(message, request_id=request_id, status=status, retry_after_s=retry_after_s)


def from_event(event: ErrorEvent, request_id: str | None) -> ClaudeError:
    """Return the error for an `error` event in the middle of a stream, whose HTTP status was 200."""
    code = event.details.get("error_code")
    return from_api(event.kind, str(event) or event.kind, status=200, code=code, request_id=request_id)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return how many seconds a response asks to wait (`retry-after-ms`, `retry-after`); None if it does not say.

    `retry-after` is a number of seconds or a date (RFC 9110, 10.2.3).
    """
    for name, factor in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        with contextlib.suppress(KeyError, ValueError):
            wait_s = float(headers[name]) * factor
            if math.isfinite(wait_s):
                return max(0.0, wait_s)
    with contextlib.suppress(KeyError, ValueError, TypeError):
        return max(0.0, parsedate_to_datetime(headers["retry-after"]).timestamp() - time.time())
    return None
