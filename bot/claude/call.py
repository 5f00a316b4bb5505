"""One request from its first byte to its last: opened, retried until the first token, read, counted."""

import asyncio
import contextlib
import itertools
import random
import weakref
from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from bot.claude.carry import PrefillJoiner, join_prefill, without_thinking
from bot.claude.errors import ClaudeError, RateLimited, Stalled, StreamCut
from bot.claude.events import End, Event
from bot.claude.failures import from_event
from bot.claude.records import Json, Message, Usage
from bot.claude.request import Request
from bot.claude.sse import Accumulator, ErrorEvent
from bot.claude.transport import open_response, read_events

if TYPE_CHECKING:
    import anthropic
    import httpx2

log = structlog.get_logger()
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 8.0
Count = Callable[[Usage, str], None]
Item = str | Event


@dataclass(slots=True)
class Progress:
    """What a `Stream` shows of the generator it reads, which does not know it: a forgotten stream is collected."""

    pieces: list[str] = field(default_factory=list)
    value: Message | None = None
    usage: Usage = field(default_factory=Usage)
    response: "httpx2.Response | None" = None
    stopped: bool = False
    superseded: bool = False
    task: "asyncio.Task[object] | None" = None
    source: "weakref.ref[AsyncGenerator[Item, None]] | None" = None

    def is_stopped(self) -> bool:
        """Say whether the reader wants no more."""
        return self.stopped

    @property
    def text(self) -> str:
        """The text so far."""
        if len(self.pieces) > 1:
            self.pieces[:] = ["".join(self.pieces)]
        return self.pieces[0] if self.pieces else ""


@dataclass(frozen=True, slots=True)
class Policy:
    """How patient a call is. `stall_s`: seconds of silence, or until an answer begins. `retry_within_s`: seconds after
    the first attempt in which another one may be made.
    """

    stall_s: float
    retry_within_s: float


async def converse(
    sdk: "anthropic.AsyncAnthropic", request: Request, policy: Policy, progress: Progress, count: Count
) -> AsyncGenerator[Item, None]:
    """Yield the answer to one request: its text in pieces, and the other events; `End` comes last.

    Until Claude begins to write, an attempt that failed for a passing reason is repeated, after the pause that the API
    names or with growing pauses, while `policy.retry_within_s` lasts. After that nothing is ever asked twice.
    `count(usage, model)` is called for every attempt that was billed, also for one that is abandoned.
    Raises `ClaudeError` with the text so far. Stopped by `Stream.aclose`, it ends quietly and leaves no value.
    """
    progress.value = None
    deadline_s = asyncio.get_running_loop().time() + policy.retry_within_s
    for number in itertools.count():
        attempt = _Attempt(sdk, request, policy, progress)
        try:
            await attempt.begin()
            async with contextlib.aclosing(attempt.items()) as items:
                async for item in items:
                    yield item
        except ClaudeError as error:
            if progress.is_stopped():
                return
            error.text_so_far = progress.text
            pause_s = _pause_after(error, attempt, number, deadline_s)
        else:
            return
        finally:
            await attempt.end(count)
        await asyncio.sleep(pause_s)
        if progress.is_stopped():
            return


def _pause_after(error: ClaudeError, attempt: "_Attempt", number: int, deadline_s: float) -> float:
    """Return the seconds to wait before trying again, or raise the error if that is useless or there is no time."""
    pause_s = pause_before(number, error)
    late = asyncio.get_running_loop().time() + pause_s >= deadline_s
    if attempt.read.begun or late or not error.retryable:
        raise error
    log.info("claude is asked again", after=type(error).__name__, attempt=number + 1, pause_s=round(pause_s, 2))
    return pause_s


def pause_before(number: int, error: ClaudeError) -> float:
    """Return the seconds to wait before the next attempt: what the API named, or 0.5, 1, 2, … up to 8, spread a bit."""
    if isinstance(error, RateLimited) and error.retry_after_s is not None:
        return error.retry_after_s
    pause_s: float = min(FIRST_PAUSE_S * 2**number, LONGEST_PAUSE_S)
    return pause_s * random.uniform(0.75, 1)  # noqa: S311 - no secret


class _Attempt:
    """One response: opened, read until the first token, then to its end."""

    def __init__(self, sdk: "anthropic.AsyncAnthropic", request: Request, policy: Policy, progress: Progress) -> None:
        self.read = Accumulator(after_text=bool(progress.pieces))
        self._sdk = sdk
        self._request = request
        self._stall_s = policy.stall_s
        self._progress = progress
        self._batches: AsyncGenerator[list[Json], None] | None = None
        self._request_id: str | None = None
        self._ready: list[Item] = []
        self._unread: list[Json] = []
        self._prefill = request.prefill
        self._joiner = PrefillJoiner(request.prefill, may_repeat=request.carried) if request.prefill.strip() else None

    async def begin(self) -> None:
        """Open the response and read until the first block is announced; what is in it may take Claude long.

        Raises `ClaudeError`.
        """
        try:
            async with asyncio.timeout(self._stall_s):
                await self._begin()
        except TimeoutError:
            raise Stalled("the API did not begin to answer in time", request_id=self._request_id) from None

    async def _begin(self) -> None:
        request = self._request
        response = await open_response(self._sdk, "/v1/messages", request.body, request.headers, self._stall_s)
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
        """Yield the events that came together with the first token, then those that come."""
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
            raise from_event(error, self._request_id) from None
        except (LookupError, TypeError, ValueError) as error:
            raise StreamCut(f"this is not the API's stream: {error!r}", request_id=self._request_id) from error

    def _check_end(self) -> None:
        self.read.end()
        if not self.read.complete:
            raise StreamCut("the answer ended before its end", request_id=self._request_id)

    async def items(self) -> AsyncGenerator[Item, None]:
        """Yield what the answer consists of, from its beginning, and `End`. Raises `ClaudeError`."""
        apply, pieces = self.read.apply, self._progress.pieces
        for item in self._ready:
            for shown in self._shown(item):
                yield shown
        with self._translated():
            async for events in self._rest():
                for event in events:
                    made = apply(event)
                    if type(made) is str and self._joiner is None:  # nearly every event: the shortest way
                        pieces.append(made)
                        yield made
                    elif made is not None:
                        for shown in self._shown(made):
                            yield shown
        self._check_end()
        for shown in self._held():
            yield shown
        yield End(self._finished())

    def _shown(self, item: Item) -> list[Item]:
        """Return what is shown for an item; text goes through the prefill's joiner."""
        if not isinstance(item, str):
            return [item]
        if self._joiner is not None:
            item = self._joiner.feed(item)
        return self._text(item)

    def _text(self, text: str) -> list[Item]:
        """The prefill comes first, as a piece of its own, and nothing is shown for nothing."""
        before, self._prefill = self._prefill, ""
        shown = [piece for piece in (before, text) if piece]
        self._progress.pieces += shown
        return list(shown)

    def _held(self) -> list[Item]:
        held = self._joiner.rest() if self._joiner is not None else ""
        return self._text(held) if held else []

    def _finished(self) -> Message:
        message = self.read.finished()
        if self._request.carried:
            message["content"] = without_thinking(message["content"])
        if self._joiner is not None:
            join_prefill(message, self._request.prefill, may_repeat=self._request.carried)
        self._progress.value = message
        return message

    async def end(self, count: Count) -> None:
        """Close the connection and count what was used; for an answer that broke off, the output is an estimate."""
        if self._batches is not None:
            await self._batches.aclose()
        self._progress.response = None
        if not (self.read.usage or self.read.complete):
            return
        used = Usage(self.read.usage) if self.read.complete else self.read.estimated()
        self._progress.usage = self._progress.usage + used
        count(used, str(self.read.message.get("model") or self._request.body["model"]))
