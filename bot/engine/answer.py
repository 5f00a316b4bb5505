"""One turn, from its questions to its delivered answer. `Answerer.answer` reads as the design's steps 6 to 9."""

import hashlib
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager

import structlog

from bot.claude import ClaudeError
from bot.engine.ask import Asker, Place
from bot.engine.budget import OverBudget
from bot.engine.look_back import as_it_is
from bot.engine.run import Run
from bot.engine.slots import Slots
from bot.engine.status import working
from bot.engine.words import DELETED, LATE, OUR_FAULT, WAITING, WAITS, sentence_for
from bot.errors import Gone, PlatformError, StoreError, Unreachable
from bot.events import Button, MessageKey, Outcome, Part
from bot.ports import PartLog, Platform, Store, Surface
from bot.reply import LiveReply, Pacer

log = structlog.get_logger()


class Answerer:
    """Answers turns. Holds no state of a turn: one object serves all threads at once."""

    def __init__(
        self,
        store: Store,
        asker: Asker,
        platforms: Mapping[str, Platform],
        pacer: Pacer,
        slots: Slots,
        *,
        most_pages: int,
    ) -> None:
        self._store = store
        self._asker = asker
        self._platforms = platforms
        self._pacer = pacer
        self._slots = slots
        self._most_pages = most_pages

    async def answer(self, run: Run) -> None:
        """Answer a turn, or only deliver it if it was answered before. Raises nothing but cancellation.

        Afterwards the turn is delivered, failed or stopped; or, if its platform cannot be reached, it is still
        `answered` and the next start delivers it. Cancelled, it is as the store last saw it.
        """
        platform = self._platforms.get(run.turn.key.platform)
        if platform is None:
            log.warning("turn waits: its platform is not connected", turn=str(run.turn.key))
            return
        if run.left and not await self._still_asked(run, platform):
            return
        surface = platform.surface(run.turn.questions[0])
        parts = _Parts(self._store)
        async with self._reply(run, surface, parts) as reply:
            try:
                if run.late():
                    await self._settle(run, reply, LATE)
                elif is_purged(run):
                    await self._take_back(run, reply)
                else:
                    await self._in_a_place(run, platform, surface, reply, parts)
            except ClaudeError as error:
                log.warning("claude failed", error=type(error).__name__, detail=str(error))
                await self._settle(run, reply, sentence_for(error))
            except OverBudget as error:
                log.info("over budget", detail=error.detail)
                await self._settle(run, reply, error.sentence)
            except PlatformError as error:
                await self._undelivered(run, error)
            except Exception:
                log.exception("turn failed")
                await self._settle(run, reply, OUR_FAULT)

    async def _still_asked(self, run: Run, platform: Platform) -> bool:
        """Look whether what an earlier process left is still to be answered, and as it was asked."""
        if run.turn.outcome is None:
            try:
                now = await as_it_is(self._store, platform, run.turn)
            except StoreError as error:
                log.warning("changed questions could not be stored", detail=error.detail)
                return True
            if now is None:
                return False
            run.turn = now
        return True

    def _reply(self, run: Run, surface: Surface, parts: "_Parts") -> AbstractAsyncContextManager[LiveReply]:
        mark = hashlib.sha256(str(run.turn.key).encode()).hexdigest()[:16]
        return LiveReply(
            surface,
            self._pacer,
            log=parts,
            turn=run.turn.key,
            mark=mark,
            parts=run.turn.parts,
            most_pages=self._most_pages,
        )

    async def _in_a_place(
        self, run: Run, platform: Platform, surface: Surface, reply: LiveReply, parts: "_Parts"
    ) -> None:
        asker = f"{run.turn.key.platform}:{run.turn.questions[0].author.id}"

        async def say_so() -> None:
            reply.doing(WAITS)
            if surface.limits.append_only:  # there no line can be taken away again
                await surface.status(WAITING)

        async with self._slots.one(asker, must_wait=say_so):
            run.begun = True
            reply.doing("")
            async with working(surface) as status:
                parts.tell = status.posted
                await self._steps(run, Place(platform, surface, reply, status))

    async def _steps(self, run: Run, place: Place) -> None:
        turn = run.turn
        if turn.outcome is not None:
            outcome = turn.outcome
            place.reply.write(outcome.answer)
        else:
            await self._store.begin(turn.questions)
            answer = await self._asker.ask(run, place)
            outcome = answer.outcome
            await self._store.record(turn.key, outcome, answer.messages, answer.usage)
        files = await self._files(outcome)
        await place.reply.finish(outcome.note, buttons=outcome.buttons, files=files)
        await self._store.end(turn.key, outcome.state)
        log.info("turn delivered", state=outcome.state)

    async def _files(self, outcome: Outcome) -> list[tuple[str, bytes]]:
        return [(file.name, (await self._store.blob(file.sha256))[0]) for file in outcome.files]

    async def _settle(self, run: Run, reply: LiveReply, sentence: str) -> None:
        """What was shown stays, the sentence says why there is no more, and the history has no half of it."""
        try:
            await reply.finish(sentence, buttons=(Button.RETRY,))
        except PlatformError as error:
            log.warning("the reason could not be shown", error=type(error).__name__, detail=error.detail)
        try:
            await self._store.end(run.turn.key, "failed", dict(run.used))
        except StoreError as error:
            log.error("the turn's end could not be stored; the next start answers it again", detail=error.detail)  # noqa: TRY400 - the sentence and detail say it all

    async def _take_back(self, run: Run, reply: LiveReply) -> None:
        """The question is gone: what was shown of an answer gives way to a line that says so."""
        if run.turn.parts:
            await reply.finish(DELETED)
        await self._store.end(run.turn.key, "stopped", dict(run.used))
        log.info("turn stopped: its question was deleted")

    async def _undelivered(self, run: Run, error: PlatformError) -> None:
        log.warning("answer could not be delivered", error=type(error).__name__, detail=error.detail)
        if not isinstance(error, Unreachable):
            state = "stopped" if isinstance(error, Gone) else "failed"
            await self._store.end(run.turn.key, state, dict(run.used))


def is_purged(run: Run) -> bool:
    """Say whether all the questions of a turn that was begun were deleted."""
    begun = run.turn.state == "answering"
    return begun and not any(question.text or question.uploads for question in run.turn.questions)


class _Parts:
    """The store's part log, which also tells the status that a message was posted."""

    def __init__(self, log: PartLog) -> None:
        self._log = log
        self.tell: Callable[[], None] = lambda: None

    async def posting(self, turn: MessageKey, part: Part) -> None:
        await self._log.posting(turn, part)

    async def posted(self, turn: MessageKey, part: Part) -> None:
        await self._log.posted(turn, part)
        self.tell()
