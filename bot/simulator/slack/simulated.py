"""The simulated Slack: what people set up, do and see in it, and the parts it is made of."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

from bot.simulator.changes import Changes
from bot.simulator.faults import Faults
from bot.simulator.loopback import Loopback
from bot.simulator.slack.api import reactions, streams
from bot.simulator.slack.api.files import Files
from bot.simulator.slack.api.interactivity import Interactivity
from bot.simulator.slack.api.limits import Limits
from bot.simulator.slack.api.web_api import WebApi
from bot.simulator.slack.site import Site
from bot.simulator.slack.sockets.deliveries import Deliveries
from bot.simulator.slack.sockets.link import Link
from bot.simulator.slack.sockets.sockets import Sockets
from bot.simulator.slack.workspace import blocks as block_kit
from bot.simulator.slack.workspace import mrkdwn
from bot.simulator.slack.workspace.app import App
from bot.simulator.slack.workspace.errors import SlackError
from bot.simulator.slack.workspace.file_objects import Shared
from bot.simulator.slack.workspace.ids import Ids
from bot.simulator.slack.workspace.records import Channel, Message, Person
from bot.simulator.slack.workspace.settings import Settings
from bot.simulator.slack.workspace.whispers import Whisper
from bot.simulator.slack.workspace.workspace import Content, Workspace

_LINK = re.compile(r"https?://[^\s|<>]+")


class SimulatedSlack:
    """One workspace with one app, served on 127.0.0.1 while the `async with` lasts.

    `port`: 0 takes a free one. `limits`: whether Slack's rate limits hold. What people set up, do and see is here:
    channels are named by id, messages by channel and `ts`. All times are in seconds. The rest has parts:

    `app`: who the app is, its tokens, and what it may do. `settings`: how this Slack behaves. `changes`: what people
    see happen; `place` is the channel's id, `thread` the root's `ts` or "". `faults`: what goes wrong next; a call is
    named by its method (`chat.postMessage`), a download `files.download`, an upload's bytes `files.upload`, an answer
    to a press `response_url`. `api`: the calls that the app made. `limits`: its rate limits. `sockets`: its
    connections. `events`: what was delivered to it, and what will not be. `presses`: the answers to presses.
    """

    def __init__(self, port: int = 0, *, limits: bool = True) -> None:
        self.settings = Settings()
        self.changes = Changes()
        self.faults = Faults()
        self.limits = Limits(enabled=limits)
        self._server = Loopback(port)
        ids = Ids(self.settings)
        self.app = App(ids)
        self.sockets = Sockets()
        self.events = Deliveries(self.app, ids, self.settings, self.sockets)
        self._workspace = Workspace(
            self.app, ids, self.settings, changes=self.changes, server=self._server, notify=self.events.notify
        )
        self.presses = Interactivity(self._workspace, self.events, self.sockets.progress)
        files = Files(self._workspace)
        self.api = WebApi(self._workspace, self.sockets, files, self.limits, self.faults)
        link = Link(self.app, self.settings, self.sockets, self.events)
        self._site = Site(self.app, self.settings, api=self.api, link=link, files=files, presses=self.presses)

    async def __aenter__(self) -> Self:
        await self._server.open(self._site.application(), grace_s=1.0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._workspace.close()
        self.events.close()
        await self.sockets.close()
        await self._server.close()

    @property
    def file_host(self) -> str:
        """Host and port of `url_private` addresses."""
        return self._server.host

    @property
    def api_url(self) -> str:
        """`base_url` for the SDK's clients."""
        return f"http://{self._server.host}/api/"

    # People and places

    def add_channel(
        self, name: str, *, member: bool = True, private: bool = False, topic: str = "", purpose: str = ""
    ) -> str:
        """Add a channel and return its id. `member`: the bot is in it; it receives nothing from the others."""
        kind: Literal["channel", "group"] = "group" if private else "channel"
        members = [self.app.bot.id] if member else []
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
        Raise `SlackError` for a channel or thread that is not there, or a DM that is not theirs.
        """
        workspace = self._workspace
        place = workspace.channel(channel)
        workspace.enter(place, who)
        shared = [file if isinstance(file, Shared) else Shared(*file) for file in files]
        kept = [workspace.add_file(file, who.id) for file in shared]
        stored = mrkdwn.typed(text)
        checked = block_kit.check([dict(block) for block in blocks]) if blocks else mrkdwn.rich_text(stored)
        content = Content(stored, checked, [dict(a) for a in attachments], files=kept)
        bot_id = workspace.ids.new("B") if via_app else ""
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
        """Edit a person's own message. `files`: what is added to those it has. Raise `SlackError` if it is not there
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

        Nothing happens to a message that was posted with `unfurl_links` false. Raise `LookupError` without a link.
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
        """React with an emoji, by its name (`x` is ❌). Raise `SlackError` (`already_reacted`, `invalid_name` …)."""
        place, message = self._there(channel, ts)
        self._workspace.enter(place, who)
        reactions.react(self._workspace, who, place, message, name)

    async def unreact(self, who: Person, channel: str, ts: str, name: str) -> None:
        """Take a reaction away. Raise `SlackError` (`no_reaction`)."""
        place, message = self._there(channel, ts)
        reactions.unreact(self._workspace, who, place, message, name)

    async def press(self, who: Person, channel: str, ts: str, label: str, *, wait_s: float = 1.0) -> str:
        """Press a button of one of the bot's messages; return the text that the presser alone was shown for it, or "".

        The interaction is sent once. After its acknowledgement an answer is waited for (chat.postEphemeral, or the
        `response_url`) for at most `wait_s` seconds; wait for a later one with `whispered`.
        Raise `LookupError` if the message shows no such button, `SlackError` for a channel that is not there or a DM
        that is not theirs, `TimeoutError` where people see a warning sign: no connection, no acknowledgement within
        3 s (`settings.acknowledge_press_within_s`), or `settings.interactivity` switched off.
        """
        return await self.presses.press(who, self._workspace.channel(channel), ts, label, wait_s)

    async def press_stop(self, who: Person, channel: str, thread: str) -> None:
        """Press Slack's own Stop button in a thread: its streams end, and `agent_session_stopped` is on its way.

        Raise `LookupError` if there is none: it is shown while the thread's session is `processing`.
        """
        streams.press_stop(self._workspace, who, self._workspace.channel(channel), thread)

    # What people see

    def messages(self, channel: str, thread: str = "") -> list[Message]:
        """Return what a channel shows, or a thread with its root, oldest first; the very objects, kept up to date."""
        place = self._workspace.channel(channel)
        return place.thread(thread) if thread else place.timeline()

    def whispers(self, who: Person) -> list[str]:
        """Return the ephemeral texts that a person was shown, oldest first."""
        return [whisper.text for whisper in self._workspace.whispers.to(who.id)]

    async def whispered(self, who: Person, since: int = 0, timeout_s: float = 120.0) -> Whisper:
        """Return the first whisper at or after index `since` of `whispers(who)`. Raise `TimeoutError`."""
        return await self._workspace.whispers.wait(who.id, lambda _: True, since, timeout_s)

    def session(self, channel: str, thread: str) -> dict[str, str]:
        """Return a thread's agent session: its `status` and `title`; {} if there is none."""
        return dict(self._workspace.sessions.get((channel, thread), {}))

    def _there(self, channel: str, ts: str) -> tuple[Channel, Message]:
        place = self._workspace.channel(channel)
        return place, self._workspace.message(place, ts)
