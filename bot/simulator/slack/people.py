"""The hands and eyes of the people in the simulated Slack: what they set up, what they do, what they see."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from bot.simulator.changes import Changes
from bot.simulator.slack.api import reactions, streams
from bot.simulator.slack.api.interactivity import Interactivity
from bot.simulator.slack.sockets.deliveries import Deliveries
from bot.simulator.slack.sockets.sockets import Sockets
from bot.simulator.slack.workspace import blocks as block_kit
from bot.simulator.slack.workspace import mrkdwn
from bot.simulator.slack.workspace.errors import SlackError
from bot.simulator.slack.workspace.file_objects import Shared
from bot.simulator.slack.workspace.records import Channel, Message, Person
from bot.simulator.slack.workspace.whispers import Whisper
from bot.simulator.slack.workspace.workspace import Content, Workspace

_LINK = re.compile(r"https?://[^\s|<>]+")


class People:
    """Everything that people do and see. Channels are named by id, messages by channel and `ts`."""

    def __init__(self) -> None:
        self._workspace = Workspace()
        self._sockets = Sockets(self._workspace)
        self._deliveries = Deliveries(self._workspace, self._sockets)
        self._interactivity = Interactivity(self._workspace, self._deliveries, self._sockets.progress)

    @property
    def bot_user_id(self) -> str:
        """The bot as a member, `U…`."""
        return self._workspace.bot.id

    @property
    def mention(self) -> str:
        """How a message names the bot."""
        return f"<@{self.bot_user_id}>"

    # People and places

    def add_channel(
        self, name: str, *, member: bool = True, private: bool = False, topic: str = "", purpose: str = ""
    ) -> str:
        """Add a channel and return its id. `member`: the bot is in it; it hears nothing of the others."""
        kind: Literal["channel", "group"] = "group" if private else "channel"
        members = [self.bot_user_id] if member else []
        channel = self._workspace.add_channel(name, kind, members, bot_member=member)
        channel.topic, channel.purpose = topic, purpose
        return channel.id

    def add_person(self, name: str, *, bot: bool = False, guest: bool = False, time_zone: str = "Etc/UTC") -> Person:
        """Add a person, another app's bot, or a guest. `time_zone`: where they live, an IANA name."""
        return self._workspace.add_person(name, bot=bot, guest=guest, time_zone=time_zone)

    def dm(self, who: Person, *others: Person) -> str:
        """Return the id of the bot's DM with a person, or of its group DM with several; opened if need be."""
        return self._workspace.direct([who, *others]).id

    # What people do

    async def say(
        self, who: Person, channel: str, text: str, *, files: Sequence[tuple[str, bytes] | Shared] = (),
        thread: str = "", broadcast: bool = False, blocks: Sequence[Mapping[str, Any]] = (),
        attachments: Sequence[Mapping[str, Any]] = (), via_app: bool = False,
    ) -> Message:  # fmt: skip
        """Write a message; its events are on their way when this returns.

        `text`: as typed, with `<@U…>`, `<#C…>`, `<!here>` for what the person's client inserts. `files`: names and
        bytes, or `Shared`s, for snippets, posts, canvases and clips. `thread`: `ts` of the root to reply to.
        `broadcast`: the reply is also sent to the channel. `via_app`: another app writes it with this person's token;
        then it has a `bot_id` beside the person's `user`. Who writes in a channel is in it from then on.
        Raises `SlackError` for a channel or thread that is not there, or a DM that is not theirs.
        """
        workspace = self._workspace
        place = workspace.channel(channel)
        workspace.enter(place, who)
        shared = [file if isinstance(file, Shared) else Shared(*file) for file in files]
        kept = [workspace.add_file(file, who.id) for file in shared]
        stored = mrkdwn.typed(text)
        checked = block_kit.check([dict(block) for block in blocks]) if blocks else mrkdwn.rich_text(stored)
        content = Content(stored, checked, [dict(a) for a in attachments], files=kept)
        bot_id = workspace.new_id("B") if via_app else ""
        return workspace.post(place, who, content, thread_ts=thread, broadcast=broadcast, bot_id=bot_id)

    async def repeat(self, channel: str, ts: str) -> Message:
        """Have a person's client send a message again: another `ts`, the same `client_msg_id`."""
        place, message = self._there(channel, ts)
        author = self._workspace.people[message.user]
        content = Content(message.text, message.blocks, message.attachments, files=message.files)
        return self._workspace.post(
            place, author, content, thread_ts=message.thread_ts, broadcast=message.broadcast,
            client_msg_id=message.client_msg_id,
        )  # fmt: skip

    async def edit(
        self, who: Person, channel: str, ts: str, text: str, *, files: Sequence[tuple[str, bytes] | Shared] = ()
    ) -> Message:
        """Edit a person's own message. `files`: what is added to those it has. Raises `SlackError` if it is not there
        or not theirs.
        """
        place, message = self._there(channel, ts)
        if message.user != who.id:
            raise SlackError("cant_update_message")
        stored = mrkdwn.typed(text)
        added = [file if isinstance(file, Shared) else Shared(*file) for file in files]
        kept = [*message.files, *(self._workspace.add_file(file, who.id) for file in added)]
        content = Content(stored, mrkdwn.rich_text(stored), files=kept)
        self._workspace.edit(place, message, content, flag=True)
        return message

    async def unfurl(self, channel: str, ts: str, title: str = "A page", text: str = "") -> Message:
        """Have Slack show a preview of a message's first link: `message_changed` with the same text, not `edited`.

        Nothing happens to a message that was posted with `unfurl_links` false. Raises `LookupError` without a link.
        """
        place, message = self._there(channel, ts)
        link = _LINK.search(message.text)
        if link is None:
            raise LookupError("there is no link in this message to show a preview of")
        if message.unfurl.get("unfurl_links", True):
            preview = {"id": 1, "from_url": link[0], "original_url": link[0], "title_link": link[0], "title": title,
                       "fallback": title, "text": text}  # fmt: skip
            content = Content(message.text, message.blocks, [*message.attachments, preview])
            self._workspace.edit(place, message, content, flag=False)
        return message

    async def delete(self, channel: str, ts: str) -> None:
        """Delete a message, whoever wrote it. A root that has replies leaves "This message was deleted."."""
        place, message = self._there(channel, ts)
        self._workspace.delete(place, message)

    async def react(self, who: Person, channel: str, ts: str, name: str) -> None:
        """React with an emoji, by its name (`x` is ❌). Raises `SlackError` (`already_reacted`, `invalid_name` …)."""
        place, message = self._there(channel, ts)
        self._workspace.enter(place, who)
        reactions.react(self._workspace, who, place, message, name)

    async def unreact(self, who: Person, channel: str, ts: str, name: str) -> None:
        """Take a reaction away. Raises `SlackError` (`no_reaction`)."""
        place, message = self._there(channel, ts)
        reactions.unreact(self._workspace, who, place, message, name)

    async def press(self, who: Person, channel: str, ts: str, label: str, *, wait_s: float = 1.0) -> str:
        """Press a button of one of the bot's messages; return the text that the presser alone was shown for it, or "".

        The interaction is sent once. After its acknowledgement an answer is waited for (chat.postEphemeral, or the
        `response_url`) for at most `wait_s` seconds; wait for a later one with `whispered`.
        Raises `LookupError` if the message shows no such button, `SlackError` for a channel that is not there or a DM
        that is not theirs, `TimeoutError` where people see a warning sign: no connection, no acknowledgement within
        3 s (`acknowledge_press_within_s`), or `interactivity` switched off.
        """
        return await self._interactivity.press(who, self._workspace.channel(channel), ts, label, wait_s)

    async def press_stop(self, who: Person, channel: str, thread: str) -> None:
        """Press Slack's own Stop button in a thread: its streams end, and `agent_session_stopped` is on its way.

        Raises `LookupError` if there is none: it is shown while the thread's session is `processing`.
        """
        streams.press_stop(self._workspace, who, self._workspace.channel(channel), thread)

    # What people see

    def messages(self, channel: str, thread: str = "") -> list[Message]:
        """Return what a channel shows, or a thread with its root, oldest first; the very objects, kept up to date."""
        place = self._workspace.channel(channel)
        return place.thread(thread) if thread else place.timeline()

    @property
    def changes(self) -> Changes:
        """What people saw happen; `place` is the channel's id, `thread` the root's `ts` or ""."""
        return self._workspace.changes

    def whispers(self, who: Person) -> list[str]:
        """Return the ephemeral texts that a person was shown, oldest first."""
        return [whisper.text for whisper in self._workspace.whispers.to(who.id)]

    async def whispered(self, who: Person, since: int = 0, timeout_s: float = 120.0) -> Whisper:
        """Return the first whisper at or after index `since` of `whispers(who)`. Raises `TimeoutError`."""
        return await self._workspace.whispers.wait(who.id, lambda _: True, since, timeout_s)

    def session(self, channel: str, thread: str) -> dict[str, str]:
        """Return a thread's agent session: its `status` and `title`; {} if there is none."""
        return dict(self._workspace.sessions.get((channel, thread), {}))

    def _there(self, channel: str, ts: str) -> tuple[Channel, Message]:
        place = self._workspace.channel(channel)
        return place, self._workspace.message(place, ts)
