"""The SDK as a transport: its authentication, headers and connections; the body is read raw and its errors translated.

`anthropic` is imported only when the first client is made: the import takes over a second.
"""

import asyncio
import contextlib
import functools
import json
import ssl
import weakref
from collections.abc import AsyncGenerator, Mapping
from typing import TYPE_CHECKING, Any

from bot.claude.api.failures import translate
from bot.claude.api.sse import EventSplitter
from bot.claude.errors import AuthenticationRefused, Stalled, StreamCut, Unavailable
from bot.claude.messages.records import Json

if TYPE_CHECKING:
    import anthropic
    import httpx2

MAX_CONNECTIONS = 1000
CONNECT_S = 5.0
WAIT_FOR_CONNECTION_S = 10.0
STALL_S = 120.0
_KEEPALIVE_S = 30.0
_EVENTS = "text/event-stream"
_SHARED: "weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, anthropic.AsyncAnthropic]" = weakref.WeakKeyDictionary()


def mk_sdk(
    api_key: str | None = None,
    base_url: str | None = None,
    *,
    max_connections: int = MAX_CONNECTIONS,
    wait_for_connection_s: float = WAIT_FOR_CONNECTION_S,
    **options: Any,
) -> "anthropic.AsyncAnthropic":
    """Return an SDK client to share among any number of `AsyncClient`s and chats; `await sdk.close()` closes it.

    It uses aiohttp, the SDK's cheapest transport, and never retries: `AsyncClient` does. `api_key` and `base_url`:
    None takes the environment's (ANTHROPIC_API_KEY, ANTHROPIC_BASE_URL). `max_connections`: how many requests run at
    once; the next one waits up to `wait_for_connection_s` seconds, then fails with `NoConnection`. `options` go to
    `anthropic.AsyncAnthropic`. Imports `anthropic` (more than a second the first time).
    """
    import anthropic  # noqa: PLC0415 - see above
    import httpx2  # noqa: PLC0415

    timeout = httpx2.Timeout(None, connect=CONNECT_S, read=STALL_S, write=STALL_S, pool=wait_for_connection_s)
    limits = httpx2.Limits(
        max_connections=max_connections, max_keepalive_connections=max_connections, keepalive_expiry=_KEEPALIVE_S
    )
    http = anthropic.DefaultAioHttpClient(limits=limits, timeout=timeout, verify=_tls())
    given = {"max_retries": 0, "timeout": timeout, "http_client": http, **options}
    return anthropic.AsyncAnthropic(api_key=api_key, base_url=base_url, **given)


@functools.cache
def _tls() -> ssl.SSLContext:
    """Return the TLS settings that all clients share: reading the certificates takes 25 ms, and once is enough."""
    import httpx2  # noqa: PLC0415

    return httpx2.create_ssl_context()


def shared_sdk() -> "anthropic.AsyncAnthropic":
    """Return the client to use where none is given: one for each event loop, made on first use."""
    loop = asyncio.get_running_loop()
    if loop not in _SHARED or _SHARED[loop].is_closed():
        _SHARED[loop] = mk_sdk()
    return _SHARED[loop]


async def close_sdk() -> None:
    """Close the shared client, if there is one; call this before the program ends."""
    sdk = _SHARED.pop(asyncio.get_running_loop(), None)
    if sdk is not None:
        await sdk.close()


def AsyncAnthropic(**options: Any) -> "anthropic.AsyncAnthropic":  # noqa: N802 - the seed's name for it
    """Return the SDK's own client, as `anthropic.AsyncAnthropic(…)` does, importing the SDK only now."""
    import anthropic  # noqa: PLC0415

    return anthropic.AsyncAnthropic(**options)


async def open_response(
    sdk: "anthropic.AsyncAnthropic", path: str, body: Json | None, headers: Mapping[str, str], stall_s: float
) -> "httpx2.Response":
    """Send a request (a GET if there is no body) and return the response with its body unread.

    Raise `ClaudeError`, and `TypeError` for a body that is not JSON.
    """
    import anthropic  # noqa: PLC0415
    import httpx2  # noqa: PLC0415

    given = sdk.timeout
    if not isinstance(given, httpx2.Timeout) or given == anthropic.DEFAULT_TIMEOUT:  # which waits ten minutes
        given = httpx2.Timeout(None, connect=CONNECT_S, pool=WAIT_FOR_CONNECTION_S)
    timeout = httpx2.Timeout(None, connect=given.connect, write=stall_s, pool=given.pool, read=stall_s)
    options: Any = {"headers": dict(headers), "timeout": timeout, "max_retries": 0}
    as_sent: Any = {"cast_to": httpx2.Response, "options": options, "stream": True, "stream_cls": anthropic.AsyncStream}
    try:
        if body is None:
            response: httpx2.Response = await sdk.get(path, **as_sent)
        elif type(sdk) is anthropic.AsyncAnthropic:
            options["headers"]["content-type"] = "application/json"
            response = await sdk.post(path, content=encoded(body), **as_sent)
        else:  # the clients for other platforms rewrite the body
            response = await sdk.post(path, body=body, **as_sent)
    except TypeError as error:
        if "authentication" not in str(error):  # the SDK's way to say that it has no key
            raise
        raise AuthenticationRefused(str(error)) from error
    except anthropic.AnthropicError as error:
        raise translate(error) from error
    except httpx2.HTTPError as error:  # the body of an error response broke off
        raise Unavailable(f"the API's answer could not be read: {error}") from error
    return response


def encoded(body: Json) -> bytes:
    """Return a body as JSON. The SDK would first copy all of it, which takes longer than the rest of a long request.

    Half a surrogate pair, which UTF-8 cannot express, becomes a question mark. Raise `TypeError` or `ValueError`.
    """
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode(errors="replace")


async def fetch_json(sdk: "anthropic.AsyncAnthropic", path: str, body: Json | None, stall_s: float) -> Json:
    """Return the JSON object of the response to a request. Raise `ClaudeError`."""
    import httpx2  # noqa: PLC0415

    response = await open_response(sdk, path, body, {}, stall_s)
    try:
        answer: Json = json.loads(await response.aread())
    except httpx2.ReadTimeout as error:
        raise Stalled("nothing came from the API for too long") from error
    except (httpx2.HTTPError, ValueError) as error:
        raise StreamCut(f"the answer cannot be read: {error}") from error
    finally:
        await response.aclose()
    return answer


async def read_events(response: "httpx2.Response") -> AsyncGenerator[list[Json], None]:
    """Yield the stream's events, those that arrived together in one list. Afterwards the response is closed.

    Raise `StreamCut` for a dropped connection or for what is not the API's stream, and `Stalled` for silence.
    """
    import httpx2  # noqa: PLC0415

    splitter = EventSplitter()
    request_id = response.headers.get("request-id")
    try:
        _check_kind(response)
        async with contextlib.aclosing(response.aiter_bytes()) as chunks:
            async for chunk in chunks:
                events, unreadable = _taken(splitter, chunk)
                if events:
                    yield events
                if unreadable is not None:
                    raise StreamCut(f"this is not the API's stream: {unreadable}", request_id=request_id)
    except httpx2.ReadTimeout as error:
        raise Stalled("nothing came from the API for too long", request_id=request_id) from error
    except httpx2.HTTPError as error:
        raise StreamCut(f"the connection was lost: {error}", request_id=request_id) from error
    finally:
        await response.aclose()


def _taken(splitter: EventSplitter, chunk: bytes) -> tuple[list[Json], ValueError | None]:
    """Return the events that are complete now, and the reason if no more can be read."""
    events: list[Json] = []
    try:
        events.extend(splitter.feed(chunk))
    except ValueError as error:
        return events, error
    return events, None


def _check_kind(response: "httpx2.Response") -> None:
    """Raise `StreamCut`, at once and for good, if the response is not a stream of events."""
    kind = response.headers.get("content-type", _EVENTS)
    if not kind.startswith(_EVENTS):
        error = StreamCut(f"the API answered with {kind} instead of {_EVENTS}; is this the Messages API?")
        error.retryable = False
        raise error
