"""One turn, from its questions to its delivered answer. `Answerer.answer` reads as the design's steps 6 to 9."""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from bot.claude import AsyncChat, AsyncClient, ClaudeError
from bot.engine.gather import Gathered, gather_uploads
from bot.engine.prompt import Block, context_blocks, question_blocks, system
from bot.engine.recall import attach, detach
from bot.engine.status import working
from bot.engine.words import OUR_FAULT, sentence_for, stop_note
from bot.errors import Gone, PlatformError, StoreError, Unreachable
from bot.events import MessageKey, Part, Turn
from bot.ports import PartLog, Platform, Store, Surface
from bot.reply import LiveReply, Pacer

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class AnswerSettings:
    """How answers are made. `system` is the configured text; sizes in bytes, counts per message."""

    system: str
    max_tokens: int
    context_messages: int
    uploads: int
    upload_bytes: int


@dataclass(frozen=True, slots=True)
class _Outcome:
    answer: str
    note: str
    messages: Sequence[Mapping[str, Any]]
    usage: Mapping[str, Any]


class Answerer:
    """Answers turns. Holds no state of a turn: one object serves all threads at once."""

    def __init__(
        self,
        store: Store,
        client: AsyncClient,
        platforms: Mapping[str, Platform],
        pacer: Pacer,
        settings: AnswerSettings,
    ) -> None:
        self._store = store
        self._client = client
        self._platforms = platforms
        self._pacer = pacer
        self._settings = settings
        self._system = system(settings.system)

    async def answer(self, turn: Turn) -> None:
        """Answer a turn, or only deliver it if it was answered before. Raises nothing but cancellation.

        Afterwards the turn is delivered, failed or stopped; or, if its platform cannot be reached, it is still
        `answered` and the next start delivers it. Cancelled, it is as the store last saw it.
        """
        platform = self._platforms.get(turn.key.platform)
        if platform is None:
            log.warning("turn waits: its platform is not connected", turn=str(turn.key))
            return
        surface = platform.surface(turn.questions[0])
        mark = hashlib.sha256(str(turn.key).encode()).hexdigest()[:16]
        async with working(surface) as posted:
            parts = _Parts(self._store, posted)
            async with LiveReply(surface, self._pacer, log=parts, turn=turn.key, mark=mark, parts=turn.parts) as reply:
                try:
                    await self._steps(turn, platform, surface, reply)
                except ClaudeError as error:
                    log.warning("claude failed", error=type(error).__name__, detail=str(error))
                    await self._settle(turn, reply, sentence_for(error))
                except PlatformError as error:
                    await self._undelivered(turn, error)
                except Exception:
                    log.exception("turn failed")
                    await self._settle(turn, reply, OUR_FAULT)

    async def _steps(self, turn: Turn, platform: Platform, surface: Surface, reply: LiveReply) -> None:
        if turn.state == "answered":
            reply.write(turn.answer)
            note = turn.note
        else:
            await self._store.begin(turn.questions)
            outcome = await self._ask(turn, platform, surface, reply)
            await self._store.record(turn.key, outcome.answer, outcome.note, outcome.messages, outcome.usage)
            note = outcome.note
        await reply.finish(note)
        await self._store.end(turn.key, "delivered")
        log.info("turn delivered")

    async def _ask(self, turn: Turn, platform: Platform, surface: Surface, reply: LiveReply) -> _Outcome:
        history = await self._store.history(turn.questions[0].thread)
        content, notes = await self._gather(turn, platform, surface, opening=not history)
        chat = AsyncChat(cli=self._client, sp=self._system, hist=await attach(history, self._store), cache=True)
        async with await chat(content, stream=True, maxtok=self._settings.max_tokens) as stream:
            async for piece in stream:
                reply.write(piece)
                if isinstance(reply.broken, Gone):
                    raise reply.broken
        notes = (*notes, stop_note(stream.value))
        new = await detach(chat.h[len(history) :], self._store)
        return _Outcome(stream.text, "\n".join(filter(None, notes)), new, stream.usage)

    async def _gather(
        self, turn: Turn, platform: Platform, surface: Surface, *, opening: bool
    ) -> tuple[list[Block], tuple[str, ...]]:
        """Return the user message of a turn, and the notes its readers get about its files."""
        limits = {"limit": self._settings.uploads, "max_bytes": self._settings.upload_bytes}
        files = await asyncio.gather(*(gather_uploads(platform, q.uploads, **limits) for q in turn.questions))
        context = await self._context(turn, platform, surface, opening=opening)
        questions = question_blocks(list(zip(turn.questions, (f.blocks for f in files), strict=True)))
        return [*context, *questions], tuple(note for file in files for note in file.notes)

    async def _context(self, turn: Turn, platform: Platform, surface: Surface, *, opening: bool) -> list[Block]:
        """What was said before the bot was called: at its first turn in a thread, or when a message replies to one.

        The newest images are shown, as many as one message may bring; why one was left out is told to Claude alone.
        """
        if not opening and not any(question.reply_to for question in turn.questions):
            return []
        try:
            said = await surface.earlier(self._settings.context_messages)
        except PlatformError as error:
            log.warning("earlier messages cannot be read", error=type(error).__name__, detail=error.detail)
            return []
        room = self._settings.uploads
        found: list[Gathered] = []
        for line in reversed(said):
            found.append(
                await gather_uploads(platform, line.uploads[:room], limit=room, max_bytes=self._settings.upload_bytes)
            )
            room -= min(room, len(line.uploads))
        return context_blocks(list(zip(said, (f.blocks for f in reversed(found)), strict=True)))

    async def _settle(self, turn: Turn, reply: LiveReply, sentence: str) -> None:
        """What was shown stays, the sentence says why there is no more, and the history has no half of it."""
        try:
            await reply.finish(sentence)
        except PlatformError as error:
            log.warning("the reason could not be shown", error=type(error).__name__, detail=error.detail)
        try:
            await self._store.end(turn.key, "failed")
        except StoreError as error:
            log.error("the turn's end could not be stored; the next start answers it again", detail=error.detail)  # noqa: TRY400 - the sentence and detail say it all

    async def _undelivered(self, turn: Turn, error: PlatformError) -> None:
        log.warning("answer could not be delivered", error=type(error).__name__, detail=error.detail)
        if not isinstance(error, Unreachable):
            await self._store.end(turn.key, "stopped" if isinstance(error, Gone) else "failed")


class _Parts:
    """The store's part log, which also tells the status that a message was posted."""

    def __init__(self, log: PartLog, posted: Any) -> None:
        self._log = log
        self._tell = posted

    async def posting(self, turn: MessageKey, part: Part) -> None:
        await self._log.posting(turn, part)

    async def posted(self, turn: MessageKey, part: Part) -> None:
        await self._log.posted(turn, part)
        self._tell()
