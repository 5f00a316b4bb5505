"""One request from its first byte to its last: opened, retried until the first token, read, counted."""

import asyncio
import contextlib
import itertools
import random
import weakref
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import structlog

from bot.claude.api.failures import from_event
from bot.claude.api.request import BuiltRequest
from bot.claude.api.sse import Accumulator, ErrorEvent
from bot.claude.api.transport import open_response, read_events
from bot.claude.errors import AuthenticationRefused, ClaudeError, NoConnection, Stalled, StreamCut
from bot.claude.events import AskedAgain, End, Event
from bot.claude.messages.prefill import PrefillJoiner, join_prefill, without_thinking
from bot.claude.messages.records import Json, Message, Usage

if TYPE_CHECKING:
    import anthropic
    import httpx2

log = structlog.get_logger()
PAUSES_S = (0.5, 5.0, 25.0)
"""The pauses before the second, third and fourth attempt: a short failure costs no time, and an outage no more than
four calls a minute.
"""
Count = Callable[[Usage, str], None]
Allow = Callable[[Json, Usage], Awaitable[int]]
"""Called before each attempt with the request's body and the usage of the call so far; returns how many tokens may be
written. An exception from it ends the call before anything is sent.
"""
StreamItem = str | Event


@dataclass(slots=True)
class StreamProgress:
    """What a `Stream` shows of the generator it reads. The generator has no reference to the stream, so a forgotten
    stream is collected.
    """

    pieces: list[str] = field(default_factory=list)
    value: Message | None = None
    usage: Usage = field(default_factory=Usage)
    response: "httpx2.Response | None" = None
    stopped: bool = False
    superseded: bool = False
    task: "asyncio.Task[object] | None" = None
    source: "weakref.ref[AsyncGenerator[StreamItem, None]] | None" = None

    def is_stopped(self) -> bool:
        """Return whether the reader has stopped the answer."""
        return self.stopped

    @property
    def text(self) -> str:
        """The text so far."""
        if len(self.pieces) > 1:
            self.pieces[:] = ["".join(self.pieces)]
        return self.pieces[0] if self.pieces else ""


@dataclass(frozen=True, slots=True)
class Policy:
    """How patient a call is. `stall_s`: the longest silence in seconds, also before an answer begins. `retry_within_s`:
    how many seconds after the first attempt another one may be made. `attempts`: how many are made at most.
    """

    stall_s: float
    retry_within_s: float
    attempts: int


async def converse(  # noqa: PLR0917 - what one call is made of
    sdk: "anthropic.AsyncAnthropic",
    request: BuiltRequest,
    policy: Policy,
    progress: StreamProgress,
    count: Count,
    allow: Allow | None = None,
) -> AsyncGenerator[StreamItem, None]:
    """Yield the answer to one request: its text in pieces, and the other events; `End` comes last.

    Until Claude begins to write, an attempt that failed for a transient reason is repeated as long as `policy` allows
    it, after the pause that the API names or after growing pauses; an `AskedAgain` is yielded each time. After that
    nothing is requested twice. `count(usage, model)` is called for every attempt that was or may have been billed,
    abandoned ones included. Raise `ClaudeError` with the text so far. A stream stopped by `Stream.aclose` ends quietly
    and leaves no value.
    """
    progress.value = None
    now_s = asyncio.get_running_loop().time
    began_s = now_s()
    for tried in itertools.count(1):
        attempt = _Response(sdk, await _allowed(request, progress, allow), policy, progress)
        try:
            await attempt.begin()
            async with contextlib.aclosing(attempt.items()) as items:
                async for item in items:
                    yield item
        except ClaudeError as error:
            if progress.is_stopped():
                return
            error.text_so_far, error.host = progress.text, sdk.base_url.host
            error.tried, error.within_s = tried, now_s() - began_s
            again = _again(error, policy, begun=attempt.read.begun)
        else:
            return
        finally:
            await attempt.end(count)
        yield again
        await asyncio.sleep(again.pause_s)
        if progress.is_stopped():
            return


async def _allowed(request: BuiltRequest, progress: StreamProgress, allow: Allow | None) -> BuiltRequest:
    """Return the request with `max_tokens` no higher than what is allowed."""
    if allow is None:
        return request
    most = await allow(request.body, progress.usage)
    return replace(request, body={**request.body, "max_tokens": min(request.body["max_tokens"], most)})


def _again(error: ClaudeError, policy: Policy, *, begun: bool) -> AskedAgain:
    """Return when to try again. Raise the error if that is useless or there is no time left."""
    pause_s = pause_before(error.tried, error)
    late = error.tried >= policy.attempts or error.within_s + pause_s >= policy.retry_within_s
    if begun or late or not error.retryable:
        raise error
    known = {"host": error.host, "after": type(error).__name__, "reason": str(error), "status": error.status}
    log.warning("claude_asked_again", **known, tried=error.tried, pause_s=round(pause_s, 2))
    return AskedAgain(error, error.tried, pause_s)


def pause_before(number: int, error: ClaudeError) -> float:
    """Return the seconds to wait before attempt `number` (from 0): what the API named, or a growing pause with some
    jitter.
    """
    if error.retry_after_s is not None:
        return error.retry_after_s
    return PAUSES_S[min(number, len(PAUSES_S)) - 1] * random.uniform(0.75, 1)  # noqa: S311 - no secret


class _Response:
    """One response: opened, read up to the first token, then to its end."""

    def __init__(
        self, sdk: "anthropic.AsyncAnthropic", request: BuiltRequest, policy: Policy, progress: StreamProgress
    ) -> None:
        self.read = Accumulator(after_text=bool(progress.pieces))
        self._sdk = sdk
        self._request = request
        self._stall_s = policy.stall_s
        self._progress = progress
        self._batches: AsyncGenerator[list[Json], None] | None = None
        self._request_id: str | None = None
        self._sent = False
        self._ready: list[StreamItem] = []
        self._left: Iterator[Json] = iter(())
        self._unread: list[Json] = []
        self._prefill = request.prefill
        self._joiner = PrefillJoiner(request.prefill, may_repeat=request.emulated) if request.prefill.strip() else None

    async def begin(self) -> None:
        """Open the response and read until the first block is announced; its content may take Claude a long time.

        Raise `ClaudeError`.
        """
        try:
            async with asyncio.timeout(self._stall_s):
                await self._begin()
        except TimeoutError:
            raise Stalled("the API did not begin to answer in time", request_id=self._request_id) from None

    async def _begin(self) -> None:
        request = self._request
        self._sent = True
        try:
            response = await open_response(self._sdk, "/v1/messages", request.body, request.headers, self._stall_s)
        except ClaudeError as error:
            self._sent = not (error.status or isinstance(error, AuthenticationRefused | NoConnection))
            raise
        self._progress.response = response
        self._request_id = response.headers.get("request-id")
        self._batches = read_events(response)
        async for events in self._batches:
            for number, event in enumerate(events, 1):
                with self._translated():
                    item = self.read.apply(event)
                if item is not None:
                    self._ready.append(item)
                if self.read.started or self.read.complete:
                    self._unread = events[number:]
                    return
        self._check_end()

    async def _rest(self) -> AsyncGenerator[list[Json], None]:
        """Yield the events that arrived together with the first token, then all others as they arrive."""
        assert self._batches is not None
        if self._progress.is_stopped():
            return
        yield self._unread
        async for events in self._batches:
            yield events

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except ErrorEvent as error:
            self._sent = False
            raise from_event(error, self._request_id) from None
        except (LookupError, TypeError, ValueError) as error:
            raise StreamCut(f"this is not the API's stream: {error!r}", request_id=self._request_id) from error

    def _check_end(self) -> None:
        self.read.end()
        if not self.read.complete:
            raise StreamCut("the answer ended before its end", request_id=self._request_id)

    async def items(self) -> AsyncGenerator[StreamItem, None]:
        """Yield the parts of the answer from its beginning, then `End`. Raise `ClaudeError`."""
        apply, pieces = self.read.apply, self._progress.pieces
        for item in self._ready:
            for shown in self._shown(item):
                yield shown
        with self._translated():
            async for events in self._rest():
                self._left = iter(events)
                for event in self._left:
                    made = apply(event)
                    if type(made) is str and self._joiner is None:  # nearly every event takes this shortest way
                        pieces.append(made)
                        yield made
                    elif made is not None:
                        for shown in self._shown(made):
                            yield shown
        self._check_end()
        for shown in self._held():
            yield shown
        yield End(self._finished())

    def _shown(self, item: StreamItem) -> list[StreamItem]:
        """Return what is shown for an item; text goes through the prefill's joiner."""
        if not isinstance(item, str):
            return [item]
        if self._joiner is not None:
            item = self._joiner.feed(item)
        return self._text(item)

    def _text(self, text: str) -> list[StreamItem]:
        """Return the text as pieces: the prefill comes first, as a piece of its own, and there is none for an empty
        text.
        """
        before, self._prefill = self._prefill, ""
        shown = [piece for piece in (before, text) if piece]
        self._progress.pieces += shown
        return list(shown)

    def _held(self) -> list[StreamItem]:
        held = self._joiner.rest() if self._joiner is not None else ""
        return self._text(held) if held else []

    def _finished(self) -> Message:
        message = self.read.finished()
        if self._request.emulated:
            message["content"] = without_thinking(message["content"])
        if self._joiner is not None:
            join_prefill(message, self._request.prefill, may_repeat=self._request.emulated)
        self._progress.value = message
        return message

    async def end(self, count: Count) -> None:
        """Close the connection and count the usage; the output of an answer that broke off is an estimate."""
        self._read_left()
        used = self._used()
        if used or self.read.complete:
            self._progress.usage = self._progress.usage + used
            count(used, str(self.read.message.get("model") or self._request.body["model"]))
        self._progress.response = None
        if self._batches is not None:
            await self._batches.aclose()

    def _read_left(self) -> None:
        """Read the events that had arrived but were not requested any more: they are billed."""
        with contextlib.suppress(ErrorEvent, LookupError, TypeError, ValueError):
            for event in self._left:
                self.read.apply(event)

    def _used(self) -> Usage:
        """Return what is known of the attempt's cost. A refusal costs nothing; the cost of a request that was never
        answered is not known.
        """
        if self.read.complete:
            return Usage(self.read.usage)
        if self.read.usage:
            return self.read.estimated()
        return Usage(unknown_requests=1) if self._sent else Usage()
