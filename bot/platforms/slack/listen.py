"""Events in: what people do in Slack, handed on in the order in which each channel said it."""

import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import structlog
from slack_bolt.response import BoltResponse

from bot.errors import Stopping
from bot.events import Button, Deleted, Edited, Event, MessageKey, Pressed
from bot.platforms.kernel.clock import PlatformClock
from bot.platforms.kernel.order import ChannelOrder
from bot.platforms.kernel.shape import MISREAD, misread
from bot.platforms.slack.calls import Me
from bot.platforms.slack.read.readable import check
from bot.platforms.slack.read.translate import (
    Message,
    Translator,
    change_of,
    is_own,
    is_person,
    is_question,
    is_written,
)
from bot.ports import EventHandler

log = structlog.get_logger()

_LATE_S, _SETTLE_S = 1.0, 0.25
"""An event that comes so long after it was said is one that Slack sends again, perhaps by the other one of our
connections, or after one that broke: what was said before it may come just after it.
"""
_STOP_SIGN = "x"
"""The name of ❌ (Slack docs, reference/events/reaction_added: names come without colons)."""


class Listener:
    """A bolt app's events: it answers every event itself, once the event was heard.

    A mention in a channel comes twice, as `message` and as `app_mention`; both become the same `Incoming`. If `handle`
    raises, the event is not acknowledged, and Slack sends it again (docs, apis/events-api, retries).
    """

    def __init__(self, handle: EventHandler, translator: Translator, me: Me, clock: PlatformClock) -> None:
        self._hear = handle
        self._translator = translator
        self._me = me
        self._clock = clock
        self._order = ChannelOrder()
        self._readers: Mapping[str, Callable[[Message, str], Awaitable[Sequence[Event]]]] = {
            "message": self._message,
            "app_mention": self._mention,
            "reaction_added": self._reaction,
        }

    async def take(self, body: dict[str, Any]) -> BoltResponse:
        """Return 200 for an event that is done with, so that it is acknowledged; 500 for one to be sent again.

        One that cannot be read is logged, and done with: it would be the same the next time.
        """
        try:
            check(body.get("event") or {})
            return await self._take_live(body)
        except MISREAD as error:
            misread("slack_event_unreadable", body, error)
            return BoltResponse(status=200)

    async def _take_live(self, body: dict[str, Any]) -> BoltResponse:
        event = body.get("event") or {}
        said_s = float(event.get("event_ts") or event.get("ts") or math.inf)
        return await self._take(body, said_s, settle_s=_SETTLE_S if self._clock.now_s() - said_s > _LATE_S else 0.0)

    async def take_fetched(self, body: dict[str, Any]) -> BoltResponse:
        """As `take`, for what was read back and comes in its order."""
        return await self._take(body, float(body["event"]["ts"]), settle_s=0.0)

    async def _take(self, body: dict[str, Any], said_s: float, settle_s: float) -> BoltResponse:
        event = body.get("event") or {}
        reader = self._readers.get(str(event.get("type")))
        if reader is None:
            return BoltResponse(status=200)
        team = str(body.get("context_team_id") or self._me.team)
        channel = str(event.get("channel") or (event.get("item") or {}).get("channel"))
        try:
            async with self._order.slot(channel, said_s, settle_s=settle_s):
                try:
                    found = await reader(event, team)
                except MISREAD as error:
                    misread("slack_event_unreadable", event, error)
                    found = ()
                for heard in found:
                    await self._hear(heard)
        except Stopping:
            return BoltResponse(status=500)  # the next process takes it, when Slack delivers it again
        except Exception:
            # Whatever one message does must not stop the next, and Slack is to deliver this one again.
            log.exception("slack_message_not_heard", channel=channel, message=event.get("ts"))
            return BoltResponse(status=500)
        return BoltResponse(status=200)

    async def _message(self, event: Message, team: str) -> Sequence[Event]:
        kind = event.get("subtype")
        if kind == "message_deleted":
            return self._deleted(event, team, str(event.get("deleted_ts")))
        if kind != "message_changed":
            return await self._said(event, team)
        changed = event.get("message") or {}
        check(changed)
        if changed.get("subtype") == "tombstone":
            return self._deleted(event, team, str(changed.get("ts")))
        return await self._edited(event, team)

    async def _mention(self, event: Message, team: str) -> Sequence[Event]:
        """Return the message that mentions the bot, as an edit if the mention was added by one."""
        changed = {"message": event, "channel": event.get("channel")}
        return await (self._edited(changed, team) if event.get("edited") else self._said(event, team))

    async def _said(self, event: Message, team: str) -> Sequence[Event]:
        if not is_question(event, self._me) or not await self._by_person(event):
            return ()
        question = await self._translator.incoming(event, team, self._me)
        says_something = question.text or question.uploads or question.mentions_bot or question.direct
        return (question,) if says_something else ()

    async def _edited(self, event: Message, team: str) -> Sequence[Event]:
        message = change_of(event)
        if message is None or not is_written(message, self._me) or not await self._by_person(message):
            return ()
        return (Edited(await self._translator.incoming(message, team, self._me)),)

    async def _by_person(self, message: Message) -> bool:
        return is_person(message, await self._translator.person(str(message["user"])))

    def _deleted(self, event: Message, team: str, ts: str) -> Sequence[Event]:
        """Return that a message is gone, unless the bot or another one wrote it."""
        before = event.get("previous_message") or {}
        if is_own(before, self._me) or (before.get("bot_id") and not before.get("user")):
            return ()
        return (Deleted(MessageKey("slack", team, str(event["channel"]), ts)),)

    async def _reaction(self, event: Message, team: str) -> Sequence[Event]:
        item = event.get("item") or {}
        if event.get("reaction") != _STOP_SIGN or item.get("type") != "message" or event.get("user") == self._me.user:
            return ()
        person = await self._translator.person(str(event["user"]))
        message = MessageKey("slack", team, str(item["channel"]), str(item["ts"]))
        return (Pressed(message, Button.STOP, person),) if "bot" not in person.roles else ()


class LiveEvents:
    """A listener's events as Slack sends them: before a question in a thread is heard, what was missed there is.

    `missed_in` is called with the channel and the thread.
    """

    def __init__(self, listener: Listener, missed_in: Callable[[str, str], Awaitable[None]], me: Me) -> None:
        self._listener = listener
        self._missed_in = missed_in
        self._me = me

    async def take(self, body: dict[str, Any]) -> BoltResponse:
        """As `Listener.take`, a global middleware."""
        event = body.get("event") or {}
        thread = str(event.get("thread_ts") or "")
        is_reply = event.get("type") in {"message", "app_mention"} and thread not in {"", event.get("ts")}
        if is_reply and is_question(event, self._me):
            await self._missed_in(str(event.get("channel")), thread)
        return await self._listener.take(body)
