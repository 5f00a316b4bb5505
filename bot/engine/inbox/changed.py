"""What people change afterwards: an edited question is answered as it is now, a deleted one is forgotten."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace

import structlog

from bot.engine.inbox.gate import Gate
from bot.engine.inbox.recent_messages import RecentMessages
from bot.engine.inbox.recheck import is_same
from bot.engine.turns.scheduler import Scheduler
from bot.events import Deleted, Edited, Incoming, Reply
from bot.ports import Platform, Store

log = structlog.get_logger()


class ChangedHandler:
    """Handles edits and deletions, one at a time: the same change may come from the platform and from a recheck.
    `asked` handles a message that only its edit makes a question.
    """

    def __init__(
        self,
        store: Store,
        gate: Gate,
        scheduler: Scheduler,
        recent: RecentMessages,
        *,
        platforms: Mapping[str, Platform],
        asked: Callable[[Incoming], Awaitable[Reply]],
    ) -> None:
        self._store = store
        self._gate = gate
        self._scheduler = scheduler
        self._recent = recent
        self._platforms = platforms
        self._asked = asked
        self._changing = asyncio.Lock()

    async def handle(self, event: Edited | Deleted) -> Reply:
        """Handle a change. An edit by somebody who may no longer speak has no effect; a deletion always has."""
        if isinstance(event, Edited) and (sentence := await self._refusal_of(event.message)):
            return await self._gate.told(event.message, sentence)
        async with self._changing:
            with self._scheduler.changing():
                return await (self._edited(event.message) if isinstance(event, Edited) else self._deleted(event))

    async def _refusal_of(self, message: Incoming) -> str:
        """Return why an edited question is not answered anew, "" if it may be or if there is none. Nobody else's change
        waits for this, as looking up roles may take a while.
        """
        turn = await self._store.turns.find(message.key)
        changed = [q for q in turn.asked if q.key == message.key and not is_same(q, message)] if turn else []
        return await self._gate.refusal_now(message) if changed else ""

    async def _edited(self, message: Incoming) -> Reply:
        """Answer an edited question anew, if it is its thread's newest; one that waits is answered as it now reads. A
        message that mentions the bot only since its edit counts as a question written now.
        """
        turn = await self._store.turns.find(message.key)
        asked = next((q for q in turn.questions if q.key == message.key), None) if turn else None
        if turn is None and (message.mentions_bot or message.direct):
            self._recent.forget(message.key)
            platform = self._platforms[message.key.platform]
            return await self._asked(replace(message, sent_at_s=platform.now_s()))
        if turn is None or asked is None or asked.key in turn.deleted or is_same(asked, message):
            self._recent.edited(message)
            return Reply()
        changed = replace(asked, text=message.text, uploads=message.uploads, author=message.author)
        async with self._broken_off(asked):
            reopened = await self._store.turns.reopen(turn.key, changed)
        log.info("question_edited", message=str(message.key), answered_anew=reopened is not None)
        return Reply()

    async def _deleted(self, deleted: Deleted) -> Reply:
        """Stop answering a deleted question, and purge what it said."""
        turn = await self._store.turns.find(deleted.key)
        asked = next((q for q in turn.questions if q.key == deleted.key), None) if turn else None
        if asked is None:
            self._recent.forget(deleted.key)
            return Reply()
        async with self._broken_off(asked):
            await self._store.turns.forget(deleted.key)
        log.info("question_deleted", message=str(deleted.key))
        return Reply()

    @asynccontextmanager
    async def _broken_off(self, asked: Incoming) -> AsyncIterator[None]:
        """Keep a question out of the line, and unanswered, while inside; the store has its turn as it was left.
        Afterwards it waits again unless it has ended, whatever happened inside, and so do those that shared its turn.
        """
        taken = [turn] if (turn := self._scheduler.take_out(asked.thread, asked.key)) else []
        try:
            running = self._scheduler.running(asked.thread)
            if running and asked.key in {question.key for question in running.turn.questions}:
                taken.append(running.turn)
                await self._scheduler.drop(running)
            yield
            keys = {asked.key, *(question.key for turn in taken for question in turn.questions)}
            found = [await self._store.turns.find(key) for key in keys]
        except BaseException:
            for turn in taken:
                self._scheduler.put(turn, recovered=True)
            raise
        for turn in {turn.key: turn for turn in found if turn is not None and not turn.has_ended}.values():
            self._scheduler.put(turn, brief=not turn.asked)
