"""What a Discord is made of: people, guilds, channels, messages. Plain records; ids are snowflake strings."""

import re
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from bot.simulator.discord.world import components
from bot.simulator.discord.world.settings import Settings

TEXT, DM, PUBLIC_THREAD, PRIVATE_THREAD, FORUM = 0, 1, 11, 12, 15
"""Channel types (Discord docs, resources/channel)."""

DEFAULT, THREAD_CREATED, REPLY, SLASH_ANSWER, THREAD_STARTER = 0, 18, 19, 20, 21
"""Message types (Discord docs, resources/message)."""

SUPPRESS_EMBEDS, HAS_THREAD, EPHEMERAL, LOADING = 1 << 2, 1 << 5, 1 << 6, 1 << 7
SUPPRESS_NOTIFICATIONS, HAS_SNAPSHOT, COMPONENTS_V2 = 1 << 12, 1 << 14, 1 << 15
"""Message flags (Discord docs, resources/message)."""

IS_SPOILER = 1 << 3
"""The flag of an attachment that is blurred until it is clicked (Discord docs, resources/message)."""

_EPOCH_MS = 1420070400000  # the first second of 2015 (Discord docs, reference, "Snowflakes")
_CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)
_LINK = re.compile(r"(?<!<)\bhttps?://[^\s<>)]+")


class Snowflakes:
    """Ids that grow with time, as Discord's do: its milliseconds, and 22 bits that tell those of one moment apart."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._last_ms = 0  # by this machine's clock
        self._made = 0

    def now_s(self) -> float:
        """Return the Unix time at Discord."""
        return time.time() + self._settings.clock_ahead_s

    def new(self) -> str:
        """Return an id that there has not been, greater than all before unless the clock was set back."""
        self._made = (self._made + 1) % (1 << 22)
        self._last_ms = max(self._last_ms + (self._made == 0), int(time.time() * 1000) - _EPOCH_MS)
        ahead_ms = int(self._settings.clock_ahead_s * 1000)
        return str((self._last_ms + ahead_ms) << 22 | self._made)


def time_of(snowflake: str) -> str:
    """Return the ISO 8601 time at which a snowflake was made."""
    return iso(((int(snowflake) >> 22) + _EPOCH_MS) / 1000)


def iso(unix_s: float) -> str:
    """Return a Unix time as Discord writes it."""
    return datetime.fromtimestamp(unix_s, UTC).isoformat()


@dataclass(slots=True, eq=False)
class Person:
    """An account. `bot`: it belongs to an application."""

    id: str
    name: str
    bot: bool = False

    @property
    def mention(self) -> str:
        """What to write to mention this account."""
        return f"<@{self.id}>"


@dataclass(slots=True, eq=False)
class Role:
    """A role of a guild. `bot_id`: the role Discord makes for an application that joins. `permissions`: its bits."""

    id: str
    name: str
    mentionable: bool = False
    bot_id: str = ""
    permissions: int = 0


@dataclass(slots=True, eq=False)
class Guild:
    """A server. `members`: person id → ids of their roles. The role with the guild's own id is @everyone."""

    id: str
    name: str
    roles: dict[str, Role] = field(default_factory=dict)
    members: dict[str, list[str]] = field(default_factory=dict)
    commands: list[dict[str, Any]] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Attachment:
    """A file on a message. `media_type` None: Discord sent no `content_type`, as it does for some text files."""

    id: str
    name: str
    data: bytes
    media_type: str | None
    description: str | None = None
    spoiler: bool = False

    @property
    def size_bytes(self) -> int:
        """Length of the file."""
        return len(self.data)


@dataclass(slots=True, eq=False)
class Message:
    """A message as everyone sees it now, with what it was before.

    `versions`: every content it has had, oldest first. `pinged`: ids of people and roles, and "everyone", that the
    post or any edit notified or would notify. `previewed`: links that Discord would have unfurled at some moment.
    `reference`: id of the message it replies to, or None. `allowed_mentions`: as in the last call, None if absent.
    `created_at_s`, `edited_at_s`: the event loop's clock. `forwarded`: the message it is a forward of, as it was then.
    `stickers`: sticker item objects. `poll`: a poll object. `more`: fields that only an app's message has.
    """

    id: str
    channel: str
    author: Person
    content: str
    created_at_s: float
    type: int = DEFAULT
    attachments: list[Attachment] = field(default_factory=list)
    embeds: list[dict[str, Any]] = field(default_factory=list)
    components: list[dict[str, Any]] = field(default_factory=list)
    reference: str | None = None
    forwarded: "Message | None" = None
    nonce: str | None = None
    flags: int = 0
    edited_at: str | None = None
    edited_at_s: float | None = None
    deleted: bool = False
    versions: list[str] = field(default_factory=list)
    allowed_mentions: dict[str, Any] | None = None
    mentions: list[str] = field(default_factory=list)
    mention_roles: list[str] = field(default_factory=list)
    mention_everyone: bool = False
    pinged: set[str] = field(default_factory=set)
    previewed: set[str] = field(default_factory=set)
    reactions: dict[str, list[str]] = field(default_factory=dict)
    stickers: list[dict[str, Any]] = field(default_factory=list)
    poll: dict[str, Any] | None = None
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def buttons(self) -> list[str]:
        """What a person reads on the buttons below the message, in order."""
        return [components.shown(one) for one in components.buttons(self.components)]

    @property
    def ephemeral(self) -> bool:
        """Whether one person alone sees it, as an answer to what they pressed."""
        return bool(self.flags & EPHEMERAL)

    def shown(self) -> None:
        """Note the content of this moment as a version, and which links it previews."""
        self.versions.append(self.content)
        if not self.flags & SUPPRESS_EMBEDS:
            self.previewed |= set(_LINK.findall(_CODE.sub("", self.content)))


@dataclass(slots=True, eq=False)
class Channel:
    """A text channel, DM or thread; `messages` oldest first, system messages included, deleted ones not.

    Of a thread: `parent` its channel's id, `owner_id` who opened it, `members` who is in it. Of a DM: `members` are
    the two who talk, the application's account among them. `last_message_id` may be that of a deleted message. `tags`:
    name → id, those a forum offers or a post has. `hidden`: nobody but the application may see it.
    """

    id: str
    type: int
    name: str = ""
    guild: str = ""
    parent: str = ""
    owner_id: str = ""
    members: list[str] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    last_message_id: str | None = None
    archived: bool = False
    locked: bool = False
    archive_after_min: int = 1440
    topic: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    hidden: bool = False
    changed_at: str = ""

    @property
    def is_thread(self) -> bool:
        """Whether this is a thread."""
        return self.type in (PUBLIC_THREAD, PRIVATE_THREAD)


@dataclass(frozen=True, slots=True)
class Call:
    """One REST call that was made. `path` is below `/api/v10`; `status` 0: the connection was dropped instead.

    `body` is the JSON body (of a multipart call its `payload_json`), or None. `at_s` is the event loop's clock.
    """

    at_s: float
    method: str
    path: str
    status: int
    body: Any
