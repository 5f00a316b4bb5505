"""The turns waiting in each thread, and their worker: one turn at a time per thread, many threads at once."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from math import inf
from types import TracebackType
from typing import Self

import structlog

from bot.engine.turns.line import Waiting, is_wordless, take_next
from bot.engine.turns.running_turn import RunningTurn
from bot.events import MessageKey, ThreadKey, Turn, TurnState

log = structlog.get_logger()

DEBOUNCE_S = 2.0
"""How long files without a word wait for the words that people send after them."""
_AGAIN_S, _LONGEST_S = 15.0, 300.0
"""The first and the longest wait before a turn whose platform is out of reach is tried again; it doubles each time."""
_CANCEL_S = 5.0
"""How long a cancelled worker has to end before it is cancelled again: something may hold it up on its way out."""


@dataclass(slots=True)
class _Running:
    """A turn that is being answered, and the task that answers it."""

    turn: RunningTurn
    task: asyncio.Task[Turn | None]


class Scheduler:
    """The turns of all threads. It owns every turn's task while its `async with` lasts.

    `answer` carries a turn out; if it must be tried again, it returns the turn as it is now. If it raises, the error is
    logged and the turn is tried again, too: no failure of a turn stops the other turns of its thread.
    """

    def __init__(self, answer: Callable[[RunningTurn], Awaitable[Turn | None]]) -> None:
        self._answer = answer
        self._waiting: dict[ThreadKey, list[Waiting]] = {}
        self._running: dict[ThreadKey, _Running] = {}
        self._more: dict[ThreadKey, asyncio.Event] = {}
        self._group = asyncio.TaskGroup()
        self._workers: set[asyncio.Task[None]] = set()
        self._closed = False
        self._changes = 0
        self._changed = asyncio.Event()
        self.is_closing = False
        """Whether no more turns begin."""

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close(0.0)

    def put(self, turn: Turn, *, expires_at_s: float = inf, recovered: bool = False, brief: bool = False) -> None:
        """Put a turn in its thread's line: see `Waiting`. Do nothing once this is closed; the store keeps the turn."""
        if self._closed:
            return
        thread = turn.questions[0].thread
        waiting = Waiting(turn, expires_at_s, asyncio.get_running_loop().time(), recovered, brief=brief)
        if thread in self._waiting:
            self._waiting[thread].append(waiting)
            self._more[thread].set()
            return
        self._waiting[thread] = [waiting]
        self._more[thread] = asyncio.Event()
        worker = self._group.create_task(self._serve(thread), name=str(thread))
        self._workers.add(worker)
        worker.add_done_callback(self._workers.discard)

    def running(self, thread: ThreadKey) -> RunningTurn | None:
        """Return the turn that is being answered in a thread."""
        found = self._running.get(thread)
        return found.turn if found else None

    def running_at(self, message: MessageKey) -> Sequence[RunningTurn]:
        """Return the turns that are being answered where a message stands."""
        return [running.turn for running in self._running.values() if running.turn.may_hold(message)]

    def current(self, thread: ThreadKey) -> Turn | None:
        """Return the turn that is being answered in a thread, or waits there after it was begun."""
        if run := self.running(thread):
            return run.turn
        line = self._waiting.get(thread, [])
        return next((waiting.turn for waiting in line if waiting.turn.state != TurnState.ACCEPTED), None)

    @property
    def started(self) -> Sequence[RunningTurn]:
        """The turns that are being answered and no longer wait for a place."""
        return [running.turn for running in self._running.values() if running.turn.started]

    def hurry(self, thread: ThreadKey) -> None:
        """Retry a thread's waiting turn now."""
        if more := self._more.get(thread):
            more.set()

    def take_out(self, thread: ThreadKey, question: MessageKey) -> Turn | None:
        """Take the turn with this question out of the line and return it; None if it does not wait there."""
        line = self._waiting.get(thread, [])
        for waiting in line:
            if question in {asked.key for asked in waiting.turn.questions}:
                line.remove(waiting)
                return waiting.turn
        return None

    async def drop(self, run: RunningTurn) -> None:
        """Break off a running turn, whatever it is doing. When this returns, the store has it as it was left."""
        found = self._running.get(run.thread)
        if found is not None and found.turn is run:
            found.task.cancel()
            await asyncio.wait([found.task])

    async def ended(self, turn: Turn) -> None:
        """Return once a turn is no longer being answered."""
        found = self._running.get(turn.questions[0].thread)
        if found is not None and found.turn.turn.key == turn.key:
            await asyncio.wait([found.task])

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Make `close` wait while inside: a turn is being changed, and will be put in line again."""
        self._changes += 1
        try:
            yield
        finally:
            self._changes -= 1
            self._changed.set()

    def begin_no_more(self) -> None:
        """Begin no more turns; running ones continue."""
        self.is_closing = True

    async def close(self, drain_s: float) -> None:
        """Begin no more turns, give running ones `drain_s` seconds to end, and break off the rest."""
        self.begin_no_more()
        for more in self._more.values():
            more.set()
        for running in self._running.values():
            if not running.turn.started:
                running.task.cancel()
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(drain_s):
                    await self._drained()
        finally:  # even if the store breaks meanwhile
            self._closed = True
            while self._workers:
                for worker in self._workers:
                    worker.cancel()
                await asyncio.wait(self._workers, timeout=_CANCEL_S)
            await self._group.__aexit__(None, None, None)

    async def _drained(self) -> None:
        while self._workers or self._changes:
            self._changed.clear()
            await (asyncio.wait(self._workers) if self._workers else self._changed.wait())

    async def _serve(self, thread: ThreadKey) -> None:
        """Answer a thread's turns until none waits. What arrives while one is answered joins the next."""
        line, more = self._waiting[thread], self._more[thread]
        try:
            while self._shortened(line):
                await self._debounce(thread)
                if self._shortened(line):
                    waiting = take_next(line)
                    more.clear()
                    if (turn := await self._run(thread, waiting)) is not None:
                        line.insert(0, replace(waiting, turn=turn, recovered=True, tried=waiting.tried + 1))
                        await self._pause(more, waiting.tried)
        finally:
            del self._waiting[thread], self._more[thread]

    def _shortened(self, line: list[Waiting]) -> bool:
        """Drop what may not begin any more (once closing, all but brief turns; the store keeps them); return whether
        any is left.
        """
        if self.is_closing:
            line[:] = [waiting for waiting in line if waiting.brief and not waiting.tried]
        return bool(line)

    async def _pause(self, more: asyncio.Event, tried: int) -> None:
        """Wait before a turn is tried again, or until somebody asks more: then the platform can be reached again."""
        with suppress(TimeoutError):
            async with asyncio.timeout(min(_AGAIN_S * 2.0**tried, _LONGEST_S)):
                await more.wait()

    async def _run(self, thread: ThreadKey, waiting: Waiting) -> Turn | None:
        run = RunningTurn(
            waiting.turn, expires_at_s=waiting.expires_at_s, taken_s=waiting.taken_s, recovered=waiting.recovered
        )
        try:
            with structlog.contextvars.bound_contextvars(turn=str(run.turn.key)):
                async with asyncio.TaskGroup() as group:  # a turn that is dropped alone does not end the worker
                    task = group.create_task(self._carry_out(run))
                    self._running[thread] = _Running(run, task)
        finally:
            del self._running[thread]
            run.posting_ended()
        return None if task.cancelled() else task.result()

    async def _carry_out(self, run: RunningTurn) -> Turn | None:
        try:
            return await self._answer(run)
        except Exception:
            log.exception("turn_broke_off")
            return run.turn

    async def _debounce(self, thread: ThreadKey) -> None:
        """Wait a moment for the words that belong to files sent without any."""
        line, more = self._waiting[thread], self._more[thread]
        try:
            async with asyncio.timeout(DEBOUNCE_S):
                while line and is_wordless(waiting.turn for waiting in line):
                    more.clear()
                    await more.wait()
        except TimeoutError:
            return
