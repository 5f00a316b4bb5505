"""Events in: what people do in Slack, handed on in each channel's order."""

import asyncio
import math
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from slack_bolt.response import BoltResponse

from bot.platforms.kernel.agenda import ChannelRef
from bot.platforms.kernel.clock import PlatformClock
from bot.platforms.kernel.door import Door
from bot.platforms.kernel.shape import MISREAD, misread
from bot.platforms.slack.calls import Me
from bot.platforms.slack.read.events import Events
from bot.platforms.slack.read.readable import check
from bot.platforms.slack.read.translate import Message, is_question

_LATE_S, _SETTLE_S = 1.0, 0.25
"""An event that comes so long after it was said is one that Slack sends again, perhaps by the other one of our
connections, or after one that broke: what was said before it may come just after it.
"""

MissedIn = Callable[..., Awaitable[None]]
"""Waits until what was missed in some places, given as `ChannelRef`s, is handed in."""


class Listener:
    """Takes a bolt app's events, and answers each itself once it was handled.

    An event that was not handled is not acknowledged, and Slack sends it again (docs, apis/events-api, retries). What
    was missed in a thread is handed in before a new reply there.
    """

    def __init__(self, door: Door, events: Events, missed_in: MissedIn, me: Me, clock: PlatformClock) -> None:
        self._door = door
        self._events = events
        self._missed_in = missed_in
        self._me = me
        self._clock = clock

    async def take(self, body: dict[str, Any]) -> BoltResponse:
        """Return 200 to acknowledge an event that is done with, and 500 for one to be sent again.

        One that cannot be read is logged, and done with: it would be no more readable the next time.
        """
        event = body.get("event") or {}
        try:
            check(event)
            is_taken = not self._events.is_read(event) or await self._take(event, body)
        except MISREAD as error:
            misread("slack_event_unreadable", body, error)
            is_taken = True
        return BoltResponse(status=200 if is_taken else 500)

    async def _take(self, event: Message, body: dict[str, Any]) -> bool:
        said_s = float(event.get("event_ts") or event.get("ts") or math.inf)
        is_late = self._clock.now_s() - said_s > _LATE_S
        channel = str(event.get("channel") or (event.get("item") or {}).get("channel"))
        team = str(body.get("context_team_id") or self._me.team)
        settle = partial(self._settle, event, _SETTLE_S if is_late else 0.0)
        slot = self._door.slot(channel, said_s, settle=settle, said_s=said_s)
        return await self._door.take(slot, partial(self._events.of, event, team), (channel, event.get("ts")))

    async def _settle(self, event: Message, settle_s: float) -> None:
        """Wait for what was missed in a reply's thread. The root may be missing, too, so the channel comes first."""
        channel, thread = str(event.get("channel")), str(event.get("thread_ts") or "")
        is_reply = event.get("type") in {"message", "app_mention"} and thread not in {"", event.get("ts")}
        if is_reply and is_question(event, self._me):
            await self._missed_in(ChannelRef(channel), ChannelRef(channel, thread))
        await asyncio.sleep(settle_s)
