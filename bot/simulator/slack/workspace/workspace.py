"""The workspace's state, and the only way to change it: people see each change, and the app is notified of it.

Nothing here knows HTTP or websockets; `notify` is where events go.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.simulator.changes import Change, Changes, Kind
from bot.simulator.loopback import Loopback
from bot.simulator.slack.workspace import blocks as block_kit
from bot.simulator.slack.workspace import mrkdwn
from bot.simulator.slack.workspace.app import App
from bot.simulator.slack.workspace.errors import SlackError
from bot.simulator.slack.workspace.file_objects import File, Shared, make
from bot.simulator.slack.workspace.ids import Ids
from bot.simulator.slack.workspace.records import Channel, ChannelType, Message, Person, Stream, message_json
from bot.simulator.slack.workspace.settings import Settings
from bot.simulator.slack.workspace.whispers import Whisper, Whispers

Notify = Callable[[str, dict[str, Any], str], None]
"""Called with a kind of event, the event, and the `ts` of the message it is about."""


@dataclass(slots=True)
class Status:
    """What a thread shows under the last message. `fades`: takes it away in the end."""

    text: str
    fades: asyncio.TimerHandle


@dataclass(slots=True)
class Content:
    """What a message says, before it is a message. `names_too`: `@name` is a mention as well."""

    text: str = ""
    blocks: list[dict[str, Any]] = field(default_factory=list)
    attachments: list[dict[str, Any]] = field(default_factory=list)
    metadata: dict[str, Any] = field(default_factory=dict)
    files: Sequence[File] = ()
    names_too: bool = False


class Workspace:
    """One Slack workspace with one app in it, which `notify` tells of what happens. Single event loop."""

    def __init__(
        self, app: App, ids: Ids, settings: Settings, *, changes: Changes, server: Loopback, notify: Notify
    ) -> None:
        self.app = app
        self.ids = ids
        self.settings = settings
        self.changes = changes
        self.server = server
        self._notify = notify
        self.people: dict[str, Person] = {app.bot.id: app.bot}
        self.channels: dict[str, Channel] = {}
        self.files: dict[str, File] = {}
        self.sessions: dict[tuple[str, str], dict[str, str]] = {}
        self.statuses: dict[tuple[str, str], Status] = {}
        self.whispers = Whispers()
        self._sharing: set[asyncio.TimerHandle] = set()

    @property
    def names(self) -> dict[str, str]:
        """Id → what is shown for it, of every person, bot and channel."""
        return {p.id: p.name for p in self.people.values()} | {c.id: c.name for c in self.channels.values() if c.name}

    @property
    def now_s(self) -> float:
        """The event loop's clock."""
        return asyncio.get_running_loop().time()

    # Who and where

    def add_person(self, name: str, *, bot: bool, guest: bool, time_zone: str = "Etc/UTC") -> Person:
        """Add a person, or another app's bot."""
        person = Person(self.ids.new("U"), name, self.ids.new("B") if bot else "", guest, time_zone)
        self.people[person.id] = person
        return person

    def add_channel(self, name: str, kind: ChannelType, members: Sequence[str], *, bot_member: bool) -> Channel:
        """Add a conversation."""
        prefix = "D" if kind == "im" else "C"
        channel = Channel(self.ids.new(prefix), name, kind, bot_member, list(members))
        self.channels[channel.id] = channel
        return channel

    def direct(self, people: Sequence[Person]) -> Channel:
        """Return the DM with one person, or the group DM with several; it is opened if there is none."""
        kind: ChannelType = "im" if len(people) == 1 else "mpim"
        ids = [person.id for person in people]
        for channel in self.channels.values():
            if channel.type == kind and set(channel.members) - {self.app.bot.id} == set(ids):
                return channel
        name = "" if kind == "im" else "mpdm-" + "--".join(person.name.lower() for person in people) + "-1"
        return self.add_channel(name, kind, [*ids, self.app.bot.id], bot_member=True)

    def channel(self, name: str) -> Channel:
        """Return a conversation by id. Raise `SlackError` (`channel_not_found`)."""
        if name not in self.channels:
            raise SlackError("channel_not_found")
        return self.channels[name]

    def message(self, channel: Channel, ts: str) -> Message:
        """Return a message. Raise `SlackError` (`message_not_found`)."""
        if ts not in channel.messages:
            raise SlackError("message_not_found")
        return channel.messages[ts]

    def enter(self, channel: Channel, who: Person) -> None:
        """Make somebody a member. Raise `SlackError` (`channel_not_found`) for a DM that is not theirs."""
        if who.id in channel.members:
            return
        if channel.type in {"im", "mpim"}:
            raise SlackError("channel_not_found")
        channel.members.append(who.id)

    def add_file(self, shared: Shared, user: str, *, file_id: str = "") -> File:
        """Keep a file; it hangs on no message yet."""
        file_id = file_id or self.ids.new("F")
        file = make(shared, file_id, user, team_id=self.app.team_id, host=self.server.host, created_s=int(time.time()))
        self.files[file_id] = file
        return file

    def share(self, channel: Channel, content: Content, thread_ts: str) -> None:
        """Post the bot's files, after `share_after_s`."""
        if not self.settings.share_after_s:
            self.post(channel, self.app.bot, content, thread_ts=thread_ts)
            return

        def share() -> None:
            self._sharing.discard(timer)
            if not thread_ts or channel.thread(thread_ts):
                self.post(channel, self.app.bot, content, thread_ts=thread_ts)

        timer = asyncio.get_running_loop().call_later(self.settings.share_after_s, share)
        self._sharing.add(timer)

    # Messages

    def post(
        self, channel: Channel, author: Person, content: Content, *, thread_ts: str = "", broadcast: bool = False,
        unfurl: dict[str, bool] | None = None, stream: Stream | None = None, client_msg_id: str = "",
        bot_id: str = "",
    ) -> Message:  # fmt: skip
        """Add a message, show it and notify the app. `bot_id`: of the app that writes it in the author's name.

        Raise `SlackError` (`thread_not_found`).
        """
        if thread_ts and not channel.thread(thread_ts):
            raise SlackError("thread_not_found")
        self.enter(channel, author)
        message = Message(
            self.ids.ts(), channel.id, author.id, author.name, author.bot_id or bot_id, thread_ts,
            client_msg_id="" if author.bot_id or bot_id else client_msg_id or self.ids.new("client-"),
            broadcast=broadcast and bool(thread_ts), unfurl=dict(unfurl or {}), stream=stream,
        )  # fmt: skip
        message.subtype = "file_share" if content.files else "thread_broadcast" if message.broadcast else ""
        channel.messages[message.ts] = message
        self._fill(message, content)
        if author is self.app.bot and thread_ts:
            self.set_status(channel, thread_ts, "")
        self._change("posted", message)
        self._notify_post(channel, message)
        return message

    def edit(self, channel: Channel, message: Message, content: Content, *, flag: bool, notify: bool = True) -> None:
        """Replace what a message says. `flag`: people see "(edited)". `notify`: the app gets `message_changed`."""
        before, mentioned = self.json(message), self.app.bot.id in message.pings
        self._fill(message, content)
        if flag:
            message.edited_flag, message.edited_ts = True, self.ids.ts()
        self._change("edited", message)
        if notify:
            changed = {"message": self._with_metadata(message), "previous_message": before}
            self._notify_hidden(channel, message, "message_changed", changed)
        if self.app.bot.id in message.pings and not mentioned and message.user != self.app.bot.id:
            self._notify_mention(channel, message)

    def delete(self, channel: Channel, message: Message) -> None:
        """Take a message away. A root that has replies leaves a tombstone, as in Slack."""
        before = self.json(message)
        message.versions.append("")
        if len(channel.thread(message.ts)) > 1:
            self._bury(message)
            changed = {"message": self.json(message), "previous_message": before}
            self._notify_hidden(channel, message, "message_changed", changed)
        else:
            del channel.messages[message.ts]
            message.blocks = []
            gone = {"deleted_ts": message.ts, "previous_message": before}
            self._notify_hidden(channel, message, "message_deleted", gone)
        self._change("deleted", message)

    def _bury(self, message: Message) -> None:
        message.subtype, message.user, message.bot_id = "tombstone", "USLACKBOT", ""
        message.text, message.blocks, message.attachments = "This message was deleted.", [], []
        message.files, message.metadata, message.reactions, message.pings = [], {}, {}, set()

    def _fill(self, message: Message, content: Content) -> None:
        message.blocks, message.attachments = content.blocks, content.attachments
        message.metadata = content.metadata or message.metadata
        message.files = list(content.files) or message.files
        people = {p.id: p.name for p in self.people.values()}
        message.text = content.text or mrkdwn.escape(block_kit.shown(content.blocks, self.names))
        message.pings = block_kit.pings(content.blocks, people)
        message.pings |= mrkdwn.pings(content.text, people, names_too=content.names_too)
        message.versions.append(self._shown(content))

    def _shown(self, content: Content) -> str:
        names = self.names
        words = block_kit.shown(content.blocks, names) if content.blocks else mrkdwn.shown(content.text, names)
        attached = [str(a.get("text") or a.get("fallback") or "") for a in content.attachments]
        return "\n".join(part for part in [words, *attached] if part)

    def whisper(self, channel: Channel, person: str, content: Content, *, thread_ts: str, press: str = "") -> str:
        """Show something to one person alone; return its `ts`. In a thread without replies it is not shown.

        Slack docs, reference/methods/chat.postEphemeral.
        """
        ts = self.ids.ts()
        if not thread_ts or len(channel.thread(thread_ts)) > 1:
            self.whispers.add(Whisper(person, channel.id, ts, self._shown(content), thread_ts, press))
        return ts

    def json(self, message: Message) -> dict[str, Any]:
        """Return a message as Slack gives it, without metadata."""
        channel = self.channels[message.channel]
        self.streaming(message)  # a stream that has died of age says so
        return message_json(
            channel, message, team_id=self.app.team_id, app_id=self.app.id, stub_files=self.settings.stub_files
        )

    def streaming(self, message: Message) -> bool:
        """Return whether a message is being streamed; one that was streamed for too long is not any more."""
        stream = message.stream
        if (
            stream is not None
            and stream.state == "open"
            and self.now_s - stream.started_s >= self.settings.stream_lasts_s
        ):
            stream.state = "stopped"
        return stream is not None and stream.state == "open"

    # Status

    def set_status(self, channel: Channel, thread_ts: str, text: str) -> None:
        """Show a status in a thread for `status_lasts_s`; an empty text takes it away."""
        key = (channel.id, thread_ts)
        shown = self.statuses.pop(key, None)
        if shown is not None:
            shown.fades.cancel()
        if text:
            loop = asyncio.get_running_loop()
            fades = loop.call_later(self.settings.status_lasts_s, self.set_status, channel, thread_ts, "")
            self.statuses[key] = Status(text, fades)
        if (shown.text if shown else "") != text:
            change = Change("status", channel.id, "", self.app.bot.name, text, by_bot=True, thread=thread_ts,
                            at_s=self.now_s)  # fmt: skip
            self.changes.add(change)

    def close(self) -> None:
        """Stop all clocks."""
        for timer in self._sharing:
            timer.cancel()
        for status in self.statuses.values():
            status.fades.cancel()
        self.statuses.clear()

    # What people see, and what the app is notified of

    def _change(self, kind: Kind, message: Message) -> None:
        names = tuple(file.name for file in message.files)
        self.changes.add(
            Change(kind, message.channel, message.ts, message.author, message.shown, thread=message.thread_ts,
                   by_bot=message.user == self.app.bot.id, files=names, at_s=self.now_s)
        )  # fmt: skip

    def _notify_post(self, channel: Channel, message: Message) -> None:
        event = self._event(channel, message)
        self.notify(channel, "message", event | {"channel_type": channel.type}, message.ts)
        if self.app.bot.id in message.pings and message.user != self.app.bot.id:
            self._notify_mention(channel, message)

    def _notify_mention(self, channel: Channel, message: Message) -> None:
        if channel.type == "im":  # Slack docs, reference/events/app_mention: not dispatched in DMs
            return
        event = self._event(channel, message) | {"type": "app_mention"}
        event.pop("subtype", None)
        self.notify(channel, "app_mention", event, message.ts)

    def _event(self, channel: Channel, message: Message) -> dict[str, Any]:
        return self._with_metadata(message) | {"channel": channel.id, "event_ts": message.ts}

    def _with_metadata(self, message: Message) -> dict[str, Any]:
        """Return a message as events have it (Slack docs, messaging/message-metadata)."""
        return self.json(message) | ({"metadata": message.metadata} if message.metadata else {})

    def _notify_hidden(self, channel: Channel, message: Message, subtype: str, more: dict[str, Any]) -> None:
        ts = self.ids.ts()
        event: dict[str, Any] = {"type": "message", "subtype": subtype, "hidden": True, "channel": channel.id, "ts": ts}
        event |= {"event_ts": ts, "channel_type": channel.type} | more
        self.notify(channel, "message", event, message.ts)

    def notify(self, channel: Channel, kind: str, event: dict[str, Any], ts: str) -> None:
        """Notify the app of an event about message `ts`, if its bot is in the channel."""
        if channel.bot_member:
            self._notify(kind, event, ts)
