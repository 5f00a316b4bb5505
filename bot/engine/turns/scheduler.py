"""What waits in each thread, and the worker that answers it: one turn at a time, many threads at once."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

import structlog

from bot.engine.turns.running_turn import Late, RunningTurn, in_time
from bot.events import MessageKey, ThreadKey, Turn, TurnState
from bot.tasks import Tasks

log = structlog.get_logger()

DEBOUNCE_S = 2.0
"""So long files without a word wait for the words that people send after them."""
_AGAIN_S, _LONGEST_S = 15.0, 300.0
"""A turn whose platform cannot be reached is tried again after so long, and each time after twice as long."""
_IN_VAIN = 2
"""So often a turn is tried before others of its thread may go first: only it may be what cannot be shown."""
_CANCEL_S, _CANCELS = 5.0, 3
"""So long a worker has to end when it is cancelled, and so often it is: something may hold it up on its way out."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A turn in line. `late`, `left`: see `Run`. `tried`: so often it was tried while its platform was out of reach.
    `brief`: it needs no answer of Claude's, and may still be carried out when nothing more is begun.
    """

    turn: Turn
    late: Late = in_time
    left: bool = False
    tried: int = 0
    brief: bool = False


class Scheduler:
    """The turns of all threads. `answer` carries one out; it returns the turn as it is now if that must be tried again.
    If it raises something, that is logged, and the turn is tried again, too: nothing that happens in a turn ends the
    line of its thread.
    """

    def __init__(self, answer: Callable[[RunningTurn], Awaitable[Turn | None]]) -> None:
        self._answer = answer
        self._waiting: dict[ThreadKey, list[Waiting]] = {}
        self._running: dict[ThreadKey, RunningTurn] = {}
        self._more: dict[ThreadKey, asyncio.Event] = {}
        self._workers = Tasks()
        self._closing = False
        self._changes = 0
        self._changed = asyncio.Event()

    def put(self, turn: Turn, *, late: Late = in_time, left: bool = False, brief: bool = False) -> None:
        """Put a turn in its thread's line."""
        thread, waiting = turn.questions[0].thread, Waiting(turn, late, left, brief=brief)
        if thread in self._waiting:
            self._waiting[thread].append(waiting)
            self._more[thread].set()
            return
        self._waiting[thread] = [waiting]
        self._more[thread] = asyncio.Event()
        self._workers.start(self._serve(thread), str(thread))

    def running(self, thread: ThreadKey) -> RunningTurn | None:
        """Return what is being answered in a thread."""
        return self._running.get(thread)

    def current(self, thread: ThreadKey) -> Turn | None:
        """Return the turn that is being answered in a thread, or waits there after it was begun."""
        if run := self._running.get(thread):
            return run.turn
        line = self._waiting.get(thread, [])
        return next((waiting.turn for waiting in line if waiting.turn.state != TurnState.ACCEPTED), None)

    def hurry(self, thread: ThreadKey) -> None:
        """Let what waits to be tried again be tried now."""
        if more := self._more.get(thread):
            more.set()

    def take_out(self, thread: ThreadKey, question: MessageKey) -> Turn | None:
        """Take the turn with a question out of the line; None if it does not wait there."""
        line = self._waiting.get(thread, [])
        for waiting in line:
            if question in {asked.key for asked in waiting.turn.questions}:
                line.remove(waiting)
                return waiting.turn
        return None

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Let `close` wait while inside: a turn is changed, and will be put in line again."""
        self._changes += 1
        try:
            yield
        finally:
            self._changes -= 1
            self._changed.set()

    @property
    def begun(self) -> Sequence[RunningTurn]:
        """The turns that are being answered."""
        return [run for run in self._running.values() if run.begun]

    async def close(self, drain_s: float) -> None:
        """Let running turns end for so long, begin no more, and break off the rest."""
        self._closing = True
        for more in self._more.values():
            more.set()
        for run in self._running.values():
            if not run.begun and run.task is not None:
                run.task.cancel()
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(drain_s):
                    while (workers := self._workers.running) or self._changes:
                        self._changed.clear()
                        await (asyncio.wait(workers) if workers else self._changed.wait())
        finally:  # also if the store breaks meanwhile
            for _ in range(_CANCELS):
                await self._cancel_workers()

    async def _cancel_workers(self) -> None:
        if workers := self._workers.running:
            for worker in workers:
                worker.cancel()
            await asyncio.wait(workers, timeout=_CANCEL_S)

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
                        line.insert(0, replace(waiting, turn=turn, left=True, tried=waiting.tried + 1))
                        await self._pause(more, waiting.tried)
        finally:
            del self._waiting[thread], self._more[thread]

    def _shortened(self, line: list[Waiting]) -> bool:
        """Say whether there is anything to do in a line: at the end only what is brief; the store keeps the rest."""
        if self._closing:
            line[:] = [waiting for waiting in line if waiting.brief and not waiting.tried]
        return bool(line)

    async def _pause(self, more: asyncio.Event, tried: int) -> None:
        """Wait before a turn is tried again, until somebody asks more: then the platform can be reached again."""
        with suppress(TimeoutError):
            async with asyncio.timeout(min(_AGAIN_S * 2.0**tried, _LONGEST_S)):
                await more.wait()

    async def _run(self, thread: ThreadKey, waiting: Waiting) -> Turn | None:
        run = self._running[thread] = RunningTurn(waiting.turn, late=waiting.late, left=waiting.left)
        try:
            with structlog.contextvars.bound_contextvars(turn=str(run.turn.key)):
                async with asyncio.TaskGroup() as group:  # a run that is dropped alone does not end the worker
                    run.task = task = group.create_task(self._carry_out(run))
        finally:
            del self._running[thread]
        return None if task.cancelled() else task.result()

    async def _carry_out(self, run: RunningTurn) -> Turn | None:
        try:
            return await self._answer(run)
        except Exception:
            log.exception("turn broke off; it is tried again")
            return run.turn

    async def _debounce(self, thread: ThreadKey) -> None:
        """Wait a moment for the words that belong to files that came without any."""
        line, more = self._waiting[thread], self._more[thread]
        try:
            async with asyncio.timeout(DEBOUNCE_S):
                while line and is_wordless(waiting.turn for waiting in line):
                    more.clear()
                    await more.wait()
        except TimeoutError:
            return


def is_wordless(turns: Iterable[Turn]) -> bool:
    """Say whether there is nothing yet but files in new questions."""
    turns = list(turns)
    questions = [question for turn in turns for question in turn.questions]
    new = all(turn.state == TurnState.ACCEPTED for turn in turns)
    return new and not any(question.text.strip() for question in questions) and any(q.uploads for q in questions)


def take_next(line: list[Waiting]) -> Waiting:
    """Remove and return what to answer next: a turn that was begun before as it was, else everything that is only
    accepted, as one turn in the order in which it was said. It is late if all of it is.
    """
    new = [waiting for waiting in line if waiting.turn.state == TurnState.ACCEPTED]
    for waiting in line:
        if waiting.turn.state != TurnState.ACCEPTED and (waiting.tried < _IN_VAIN or not new):
            line.remove(waiting)
            return waiting
    line[:] = [waiting for waiting in line if waiting.turn.state != TurnState.ACCEPTED]
    questions = sorted((question for waiting in new for question in waiting.turn.questions), key=lambda q: q.order)
    return Waiting(
        replace(new[0].turn, questions=tuple(questions)),
        lambda: all(waiting.late() for waiting in new),
        any(waiting.left for waiting in new),
    )
