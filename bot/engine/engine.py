"""Joins the inbox and the turns: events are handled by their kind, and waiting turns are answered."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from types import TracebackType
from typing import Any, Self

import structlog

from bot.engine.answer.answerer import Answerer
from bot.engine.inbox.asked import AskedHandler
from bot.engine.inbox.changed import ChangedHandler
from bot.engine.inbox.gate import Gate
from bot.engine.inbox.missed import MissedHandler
from bot.engine.inbox.pressed import PressedHandler
from bot.engine.inbox.recent_messages import RecentMessages
from bot.engine.inbox.recheck import Recheck
from bot.engine.patience import patient
from bot.engine.turns.line import expires_at_s
from bot.engine.turns.scheduler import Scheduler
from bot.errors import Stopping
from bot.events import Deleted, Edited, Event, Incoming, Missed, Pressed, Reply, Turn, TurnState
from bot.places import Places
from bot.ports import Platform, Store

log = structlog.get_logger()


class Engine:
    """Receives what people do, and answers them, while its `async with` lasts.

    On entering, turns that an earlier process left unended are taken up again. On leaving, no new turn begins, running
    ones have `drain_s` seconds to end, and the rest is cancelled; the store keeps it for the next start. A question
    first received `late_after_s` seconds after it was asked gets one line.
    """

    def __init__(
        self,
        store: Store,
        answerer: Answerer,
        platforms: Mapping[str, Platform],
        places: Places,
        *,
        drain_s: float,
        late_after_s: float,
    ) -> None:
        self._store = store = patient(store)
        self._drain_s = drain_s
        self._late_after_s = late_after_s
        self._rest = answerer.rest
        gate = Gate(places, platforms, store.notices)
        self._scheduler = scheduler = Scheduler(partial(answerer.answer, gate=gate))
        recent = RecentMessages()
        asked = AskedHandler(store, gate, places, scheduler, recent, late_after_s=late_after_s)
        changed = ChangedHandler(store, gate, scheduler, recent, platforms=platforms, asked=asked.handle)
        self._recheck = Recheck(store.questions, platforms, changed.handle)
        self._handlers: Mapping[type[Event], Callable[[Any], Awaitable[Reply]]] = {
            Incoming: asked.handle,
            Edited: changed.handle,
            Deleted: changed.handle,
            Pressed: PressedHandler(store, gate, scheduler, platforms).handle,
            Missed: MissedHandler(self._recheck, scheduler).handle,
        }
        self._open = asyncio.Event()
        self._closed = False

    async def __aenter__(self) -> Self:
        await self._scheduler.__aenter__()
        unended = await self._store.questions.unended()
        for turn in unended:
            if _is_new(turn):
                self._scheduler.put(turn, expires_at_s=expires_at_s(turn, self._late_after_s), recovered=True)
            else:
                self._scheduler.put(turn, recovered=True)
        if unended:
            log.info("turns_recovered", turns=len(unended))
        self._open.set()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._scheduler.begin_no_more()
        drain_s = self._drain_s if kind is None else 0.0
        if started := self._scheduler.started:
            log.info("running_turns_may_end", turns=len(started), within_s=drain_s)
        try:
            await self._recheck.close()
            for run in started:
                await self._rest(run)
        finally:
            await self._scheduler.close(drain_s)
            self._closed = True

    async def handle(self, event: Event) -> Reply:
        """Handle an event; return what that person alone is told.

        When this returns, what matters of the event is on disk; an event may be delivered twice. While running turns
        end, no turn begins, but stops, edits and deletions are obeyed. Raise `Stopping` if the event must be delivered
        again, to the next process.
        """
        await self._open.wait()
        if self._closed:
            raise Stopping("The bot is stopping.")
        return await self._handlers[type(event)](event)


def _is_new(turn: Turn) -> bool:
    """Return whether nothing of a turn's answer was seen yet."""
    return turn.state == TurnState.ACCEPTED or (turn.state == TurnState.ANSWERING and not turn.parts)
