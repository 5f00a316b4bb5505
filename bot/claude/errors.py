"""One tree of errors: what can go wrong between a prompt and its answer, told apart by type.

    ClaudeError                    the root; carries the text so far
    ├── AuthenticationRefused      the key is missing, wrong, or may not do this
    ├── SpendLimitReached          no credit, or a spend limit; waiting is useless
    ├── InvalidRequest             the API refuses what was asked; the same again is refused again
    │   ├── RequestTooLarge        more bytes than one request may have
    │   ├── ContextFull            more tokens than the model's context window holds
    │   └── ModelNotFound          no such model, or not for this key
    ├── RateLimited                too many requests or tokens
    ├── Overloaded                 the API has too much to do
    ├── Unavailable                a 5xx, or no connection
    │   └── NoConnection           none was free or could be made: nothing was sent
    ├── StreamCut                  the answer broke off
    ├── Stalled                    the answer stopped coming; nothing for `stall_s` seconds
    ├── Refusal                    Claude declined (`raise_for_stop`)
    ├── OutputLimit                `maxtok` was reached before the end (`raise_for_stop`)
    ├── TurnPaused                 a long server tool run; the turn is to be continued (`raise_for_stop`)
    ├── NoStructure                a structured answer was asked for, and none came
    └── SchemaError                a function or type cannot be described to Claude

`str(error)` is for a log: it may hold the API's own words.
"""

# ruff: noqa: N818 - the names say what happened, as those of `bot.errors` do

from collections.abc import Mapping
from typing import Any


class ClaudeError(Exception):
    """The root. `str()` is plain text for a log.

    `text_so_far`: what Claude had written and streamed by then ("" if nothing). `request_id`: the API's id of the
    request, if it got one. `status`: the HTTP status, 0 without a response. `retry_after_s`: how many seconds the API
    asks to wait, None if it does not say. `retryable`: whether the same request may succeed later. `tried`, `within_s`:
    how many attempts were made, in how many seconds; `host`: at which host.
    """

    retryable = False

    def __init__(
        self,
        message: str,
        *,
        text_so_far: str = "",
        request_id: str | None = None,
        status: int = 0,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.text_so_far = text_so_far
        self.request_id = request_id
        self.status = status
        self.retry_after_s = retry_after_s
        self.tried = 1
        self.within_s = 0.0
        self.host = ""


class AuthenticationRefused(ClaudeError):
    """The API key is missing, wrong or not allowed to do this (HTTP 401, 403)."""


class SpendLimitReached(ClaudeError):
    """No credit is left or a spend limit is reached (HTTP 402, or its error code with another status)."""


class InvalidRequest(ClaudeError):
    """The API refuses the request as it is (HTTP 400 and other 4xx); the same again will be refused again."""


class RequestTooLarge(InvalidRequest):
    """The request has more bytes than the API accepts: 32 MB (Claude docs, api/errors; HTTP 413)."""


class ContextFull(InvalidRequest):
    """The conversation does not fit into the model's context window, before or while it is answered."""


class ModelNotFound(InvalidRequest):
    """The model, or what else was named by its id, does not exist for this key (HTTP 404)."""


class RateLimited(ClaudeError):
    """Too many requests or tokens (HTTP 429)."""

    retryable = True


class Overloaded(ClaudeError):
    """The API has too much to do (HTTP 529, or `overloaded_error` in a stream)."""

    retryable = True


class Unavailable(ClaudeError):
    """The API failed (HTTP 5xx, or `api_error` in a stream) or cannot be reached."""

    retryable = True


class NoConnection(Unavailable):
    """No connection was made: none of the allowed number became free, or the host refuses or does not answer."""


class StreamCut(ClaudeError):
    """The answer broke off: a dropped connection, a premature end, or something that is not the API's stream."""

    retryable = True


class Stalled(ClaudeError):
    """Nothing arrived for the client's `stall_s` seconds, not even the pings that the API sends while it works."""

    retryable = True


class Refusal(ClaudeError):
    """Claude declined to answer (`stop_reason` "refusal"). `category`: the API's word for the reason, if it gives
    one.
    """

    def __init__(self, message: str, *, category: str | None = None, **details: Any) -> None:
        super().__init__(message, **details)
        self.category = category


class OutputLimit(ClaudeError):
    """The answer is cut off because it reached `maxtok` tokens (`stop_reason` "max_tokens")."""


class TurnPaused(ClaudeError):
    """The work of a server tool was paused (`stop_reason` "pause_turn"); `await chat()` continues it."""


class NoStructure(ClaudeError):
    """Claude answered in words where `structured` asked for a value; the words are in `text_so_far`."""


class SchemaError(ClaudeError, TypeError):
    """A function or type cannot be described to Claude; the message says what to change."""


def stopped(message: Mapping[str, Any]) -> ClaudeError | None:
    """Return why a finished message is not a complete answer, as an error of its own type; None if it is complete.

    `Refusal`, `OutputLimit`, `ContextFull` and `TurnPaused` correspond to values of `stop_reason`; unknown values count
    as complete. Source: Claude docs, build-with-claude/handling-stop-reasons.
    """
    text = "".join(block["text"] for block in message.get("content") or [] if block.get("type") == "text")
    reason = message.get("stop_reason")
    if reason == "refusal":
        category = (message.get("stop_details") or {}).get("category")
        return Refusal(f"Claude declined to answer (category: {category})", category=category, text_so_far=text)
    if reason == "max_tokens":
        return OutputLimit("the answer reached the allowed number of tokens", text_so_far=text)
    if reason == "model_context_window_exceeded":
        return ContextFull("the conversation and its answer fill the context window", text_so_far=text)
    if reason == "pause_turn":
        return TurnPaused("the turn was paused and is to be continued", text_so_far=text)
    return None


def raise_for_stop(message: Mapping[str, Any]) -> None:
    """Raise the error that `stopped` returns, if any."""
    error = stopped(message)
    if error is not None:
        raise error
