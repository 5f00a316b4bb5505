"""What the simulated workspace remembers: people, conversations, messages."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from bot.simulator.slack.workspace import blocks as block_kit
from bot.simulator.slack.workspace.file_objects import File, files_json

ChannelType = Literal["channel", "group", "im", "mpim"]


def _now_s() -> int:
    return int(time.time())


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody in the workspace. `id`: `U…`. `bot_id`: `B…` for another app's bot, else "". `guest`: restricted.

    `time_zone`: an IANA name. `updated_s`: since 1970, when their profile was changed last.
    """

    id: str
    name: str
    bot_id: str = ""
    guest: bool = False
    time_zone: str = "Etc/UTC"
    updated_s: int = field(default_factory=_now_s, compare=False)


@dataclass(slots=True)
class Stream:
    """A message that is being streamed. `state`: `open`, or why nothing can be appended any more."""

    started_s: float
    size: int = 0
    state: Literal["open", "stopped", "stopped_by_user"] = "open"
    tasks: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(slots=True)
class Message:
    """One message as it stands now.

    `thread_ts`: the root's `ts` for a reply, "" for a message of the channel itself. `text`: as Slack stores it,
    entities and all. `shown`: what people read. `versions`: every `shown` it has had, oldest first. `edited_flag`:
    people see "(edited)". `unfurl`: the unfurl arguments it was posted with. `pings`: ids of the people and groups
    it notifies, and `channel`, `here`, `everyone`. `reactions`: emoji name → ids of who reacted.
    """

    ts: str
    channel: str
    user: str
    author: str
    bot_id: str = ""
    thread_ts: str = ""
    text: str = ""
    blocks: list[dict[str, Any]] = field(default_factory=list)
    attachments: list[dict[str, Any]] = field(default_factory=list)
    metadata: dict[str, Any] = field(default_factory=dict)
    files: list[File] = field(default_factory=list)
    subtype: str = ""
    client_msg_id: str = ""
    broadcast: bool = False
    versions: list[str] = field(default_factory=list)
    edited_ts: str = ""
    edited_flag: bool = False
    unfurl: dict[str, bool] = field(default_factory=dict)
    pings: set[str] = field(default_factory=set)
    reactions: dict[str, list[str]] = field(default_factory=dict)
    stream: Stream | None = None

    @property
    def shown(self) -> str:
        """What people read now; "" once it is deleted."""
        return self.versions[-1] if self.versions else ""

    @property
    def buttons(self) -> list[str]:
        """The labels of the buttons people see on it, in their order; not part of `shown`."""
        return [button["text"]["text"] for _, button in block_kit.buttons(self.blocks)]


@dataclass(slots=True)
class Channel:
    """A conversation. `bot_member`: the bot is in it and receives its events. `messages`: by `ts`, oldest first.

    `topic` stands in its header, `purpose` in its details. `created_s`: since 1970.
    """

    id: str
    name: str
    type: ChannelType
    bot_member: bool = True
    members: list[str] = field(default_factory=list)
    messages: dict[str, Message] = field(default_factory=dict)
    topic: str = ""
    purpose: str = ""
    created_s: int = field(default_factory=_now_s)

    def thread(self, root_ts: str) -> list[Message]:
        """Return the root and its replies, oldest first; empty if there is no such root."""
        root = self.messages.get(root_ts)
        if root is None or root.thread_ts:
            return []
        return [root, *(m for m in self.messages.values() if m.thread_ts == root_ts)]

    def timeline(self) -> list[Message]:
        """Return what the channel itself shows: roots and replies that were also sent to the channel."""
        return [m for m in self.messages.values() if not m.thread_ts or m.broadcast]


def message_json(channel: Channel, message: Message, *, team_id: str, app_id: str, stub_files: bool) -> dict[str, Any]:
    """Return a message as the Web API and the events give it (Slack docs, reference/events/message), no metadata."""
    body: dict[str, Any] = {"type": "message", "ts": message.ts, "user": message.user, "text": message.text}
    body["team"] = team_id
    optional: Mapping[str, Any] = {
        "subtype": message.subtype, "client_msg_id": message.client_msg_id, "bot_id": message.bot_id,
        "blocks": message.blocks, "attachments": message.attachments,
        "files": files_json(message.files, team_id, stub=stub_files),
        "edited": {"user": message.user, "ts": message.edited_ts} if message.edited_flag else None,
        "reactions": [{"name": n, "users": list(us), "count": len(us)} for n, us in message.reactions.items()],
    }  # fmt: skip
    body |= {name: value for name, value in optional.items() if value}
    if message.bot_id:
        body |= {"app_id": app_id, "bot_profile": _bot_profile(message, team_id, app_id)}
    if message.stream is not None:
        body["streaming_state"] = "in_progress" if message.stream.state == "open" else "completed"
    if message.thread_ts:
        root = channel.messages.get(message.thread_ts)
        body |= {"thread_ts": message.thread_ts, "parent_user_id": root.user if root else "USLACKBOT"}
        if message.broadcast and root:
            body["root"] = message_json(channel, root, team_id=team_id, app_id=app_id, stub_files=stub_files)
    elif replies := channel.thread(message.ts)[1:]:
        users = list(dict.fromkeys(reply.user for reply in replies))
        body |= {"thread_ts": message.ts, "reply_count": len(replies), "latest_reply": replies[-1].ts}
        body |= {"reply_users": users, "reply_users_count": len(users)}
    return body


def _bot_profile(message: Message, team_id: str, app_id: str) -> dict[str, Any]:
    """Return who a bot is (Slack docs, reference/events/message.bot_message)."""
    icons = {f"image_{size}": f"https://simulated.slack-edge.com/bot_{size}.png" for size in (36, 48, 72)}
    return {"id": message.bot_id, "deleted": False, "name": message.author, "updated": int(float(message.ts)),
            "app_id": app_id, "icons": icons, "team_id": team_id}  # fmt: skip


def person_json(person: Person, team_id: str) -> dict[str, Any]:
    """Return a user object (Slack docs, reference/objects/user-object)."""
    profile = {"real_name": person.name, "display_name": person.name, "team": team_id}
    return {
        "id": person.id, "team_id": team_id, "name": person.name.lower().replace(" ", "."), "real_name": person.name,
        "deleted": False, "is_bot": bool(person.bot_id), "is_app_user": False, "is_restricted": person.guest,
        "is_ultra_restricted": False, "updated": person.updated_s, "profile": profile, **_zone(person.time_zone),
    }  # fmt: skip


def _zone(name: str) -> dict[str, Any]:
    offset = datetime.now(ZoneInfo(name)).utcoffset() or timedelta()
    return {"tz": name, "tz_label": name, "tz_offset": int(offset.total_seconds())}


def channel_json(channel: Channel) -> dict[str, Any]:
    """Return a conversation object (Slack docs, reference/objects/conversation-object)."""
    body: dict[str, Any] = {
        "id": channel.id, "is_channel": channel.type == "channel", "is_group": channel.type == "group",
        "is_im": channel.type == "im", "is_mpim": channel.type == "mpim", "is_private": channel.type != "channel",
        "is_archived": False, "is_ext_shared": False, "created": channel.created_s,
    }  # fmt: skip
    if channel.type == "im":
        return body | {"user": channel.members[0]}
    body |= {"name": channel.name, "is_member": channel.bot_member, "num_members": len(channel.members)}
    about = {"topic": channel.topic, "purpose": channel.purpose}
    return body | {name: {"value": value, "creator": "", "last_set": 0} for name, value in about.items()}
