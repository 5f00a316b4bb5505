"""Slack's message and reaction events → what people did, in the words of `bot.events`."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from bot.events import Button, Deleted, Edited, Event, MessageKey, Pressed
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

_STOP_SIGN = "x"
"""The name of ❌ (Slack docs, reference/events/reaction_added: names come without colons)."""


class Events:
    """Reads events, live ones and those that were read back.

    A mention in a channel comes twice, as `message` and as `app_mention`; both become the same `Incoming`.
    """

    def __init__(self, translator: Translator, me: Me) -> None:
        self._translator = translator
        self._me = me
        self._readers: Mapping[str, Callable[[Message, str], Awaitable[Sequence[Event]]]] = {
            "message": self._message,
            "app_mention": self._mention,
            "reaction_added": self._reaction,
        }

    def is_read(self, event: Message) -> bool:
        """Return whether events of this type mean anything here."""
        return str(event.get("type")) in self._readers

    async def of(self, event: Message, team: str) -> Sequence[Event]:
        """Return what people did in an event; nothing if it cannot be read. `team`: where it was received."""
        try:
            return await self._readers[str(event.get("type"))](event, team)
        except MISREAD as error:
            misread("slack_event_unreadable", event, error)
            return ()

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
        """Return the deletion of a message, unless a bot (ours included) wrote it."""
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
