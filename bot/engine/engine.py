"""Messages in, turns answered: one at a time in a thread and in the platform's order, many threads at once."""

import asyncio
from types import TracebackType
from typing import Self

import structlog

from bot.engine.admit import Access, is_addressed, may_speak
from bot.engine.answer import Answerer
from bot.errors import ParleyError
from bot.events import Incoming, ThreadKey, Turn
from bot.ports import Store

log = structlog.get_logger()


class Engine:
    """Hears messages and answers them while its `async with` lasts.

    On entering, what an earlier process left unended is taken up again. On leaving, no new turn begins, running ones
    have `drain_s` seconds to end, and the rest is cancelled; the store keeps it, and the next start takes it up.
    """

    def __init__(self, store: Store, answerer: Answerer, access: Access, *, turns_at_once: int, drain_s: float) -> None:
        self._store = store
        self._answerer = answerer
        self._access = access
        self._slots = asyncio.Semaphore(turns_at_once)
        self._drain_s = drain_s
        self._waiting: dict[ThreadKey, list[Turn]] = {}
        self._workers: set[asyncio.Task[None]] = set()
        self._open = asyncio.Event()
        self._closing = False

    async def __aenter__(self) -> Self:
        unended = await self._store.unended()
        for turn in unended:
            self._put(turn)
        if unended:
            log.info("taking up what was left", turns=len(unended))
        self._open.set()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing = True
        workers = list(self._workers)
        if workers and kind is None:
            log.info("letting running turns end", threads=len(workers), within_s=self._drain_s)
            await asyncio.wait(workers, timeout=self._drain_s)
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)

    async def hear(self, question: Incoming) -> None:
        """Accept a message that is for the bot, from someone who may speak to it; ignore any other.

        When this returns, the question is on disk, whatever is delivered twice. Raises `ParleyError` once the bot is
        stopping: the message must come again.
        """
        await self._open.wait()
        if self._closing:
            raise ParleyError("The bot is stopping.")
        known = question.in_thread and await self._store.knows(question.thread)
        if not is_addressed(question, known_thread=known):
            return
        if not may_speak(question, self._access):
            log.info("not allowed to speak", message=str(question.key), person=question.author.id)
            return
        if await self._store.accept(question):
            log.info("question accepted", message=str(question.key))
            self._put(Turn((question,), "accepted"))

    def _put(self, turn: Turn) -> None:
        thread = turn.questions[0].thread
        if thread in self._waiting:
            self._waiting[thread].append(turn)
            return
        self._waiting[thread] = [turn]
        worker = asyncio.create_task(self._serve(thread), name=str(thread))
        self._workers.add(worker)
        worker.add_done_callback(self._workers.discard)

    async def _serve(self, thread: ThreadKey) -> None:
        """Answer a thread's turns until none waits. What arrives while one is answered joins the next."""
        waiting = self._waiting[thread]
        try:
            while waiting and not self._closing:
                async with self._slots:
                    turn = take_next(waiting)
                    with structlog.contextvars.bound_contextvars(turn=str(turn.key)):
                        await self._answerer.answer(turn)
        finally:
            del self._waiting[thread]


def take_next(waiting: list[Turn]) -> Turn:
    """Remove and return what to answer next: a turn that was begun before a restart as it was, else everything that
    is only accepted, as one turn in the platform's order.
    """
    for turn in waiting:
        if turn.state != "accepted":
            waiting.remove(turn)
            return turn
    questions = sorted((question for turn in waiting for question in turn.questions), key=_platform_order)
    waiting.clear()
    return Turn(tuple(questions), "accepted")


def _platform_order(question: Incoming) -> tuple[int, str]:
    """Discord's snowflakes and Slack's timestamps both grow with time; a longer number is a later one."""
    return len(question.key.message), question.key.message
