"""What people say and do, and where.

Ids are the platforms' own, as strings (a Discord snowflake, a Slack `C…`, `U…` or `ts`).
"""

import re
from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True, order=True)
class ThreadKey:
    """One conversation. Equal channel and thread ids in two workspaces are two conversations.

    `workspace` is a Discord guild or a Slack team (Discord DMs: `@me`). `channel` is where the thread hangs. `thread`
    is the Discord thread's id (equal to the id of the message it was opened on), or the Slack `ts` of the root message.
    A Discord DM is one conversation: `thread == channel`.
    """

    platform: str
    workspace: str
    channel: str
    thread: str

    def __str__(self) -> str:
        return f"{self.platform}:{self.workspace}:{self.channel}:{self.thread}"


@dataclass(frozen=True, slots=True, order=True)
class MessageKey:
    """One message on one platform, and so the turn that answers it. Unique, even if an event is delivered twice.

    It tells what is answered; where that is done is an `Address`.
    """

    platform: str
    workspace: str
    channel: str
    message: str

    def __str__(self) -> str:
        return f"{self.platform}:{self.workspace}:{self.channel}:{self.message}"


@dataclass(frozen=True, slots=True)
class Person:
    """The author of a message. Only `id` and `roles` authorise; `name` is self-chosen and proves nothing.

    `moderator`: the platform lets them manage other people's messages in this place. `time_zone`: the IANA name of
    their time zone, such as `Europe/Berlin`, "" if it is not known; `utc_offset_s`: how far it is ahead of UTC.
    """

    id: str
    name: str
    roles: frozenset[str] = frozenset()
    moderator: bool = False
    time_zone: str = ""
    utc_offset_s: int = 0


@dataclass(frozen=True, slots=True)
class Upload:
    """A file attached to a message, not yet downloaded. `media_type` and `size_bytes` are the platform's claim.

    `spoiler`: its author has hidden it from those who do not ask for it. `title`: the name that people see, if it is
    not `name`.
    """

    id: str
    name: str
    url: str
    media_type: str = ""
    size_bytes: int = 0
    spoiler: bool = False
    title: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """A message sent before the bot was asked: context, not a question. `by_bot`: it is the bot's own.

    `message_id`: the platform's id of the message, in the channel where it was sent; "" if it is not known. `place`:
    where it was sent, if the question was asked elsewhere and links to it. `sent_at_s`: as in `Incoming`.
    """

    author: Person
    text: str
    uploads: tuple[Upload, ...] = ()
    by_bot: bool = False
    message_id: str = ""
    place: str = ""
    sent_at_s: float = 0.0

    @property
    def order(self) -> tuple[float, str]:
        """By what messages are sorted: when they were said, then by their ids."""
        return self.sent_at_s, self.message_id


@dataclass(frozen=True, slots=True)
class Earlier:
    """The messages before a question that belong to it, oldest first.

    `missing`: what could not be read, as the object of a sentence ("the older messages of this thread"); "" if nothing
    is missing.
    """

    said: tuple[Said, ...] = ()
    missing: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a question was asked, in the names that people see there; "" for what does not exist or is not known.

    `kind`: what people call it, such as "channel", "direct message" or "forum post". `server`: the Discord server or
    Slack workspace. `thread`: a thread's name or a forum post's title; `tags`: the tags of the post.
    """

    kind: str = ""
    server: str = ""
    channel: str = ""
    topic: str = ""
    thread: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Incoming:
    """A person's message. `text` is Markdown with people's names in place of ids and the bot's own mention removed.

    `direct`: sent in a DM; `group`: in a DM of several people. `mentions_bot`: addressed to the bot by a mention or by
    a reply to one of its messages. `mentions_others`: mentions somebody who is not the bot, or replies to them.
    `reply_to`: the id of the message it replies to, or "". `in_thread`: sent inside an existing thread (False: it would
    be the root of a new one). `sent_at_s`: when it was sent, in seconds since 1970 by the platform's clock. `send_id`:
    the platform's id of the act of sending, where it gives one: two messages with the same id are one question.
    `said_before`: what its author had written just before, without calling the bot.
    """

    key: MessageKey
    thread: ThreadKey
    author: Person
    text: str
    uploads: tuple[Upload, ...] = ()
    direct: bool = False
    mentions_bot: bool = False
    mentions_others: bool = False
    in_thread: bool = False
    reply_to: str = ""
    sent_at_s: float = 0.0
    send_id: str = ""
    said_before: tuple[Said, ...] = ()
    group: bool = False

    @property
    def order(self) -> tuple[float, str]:
        """By what messages are sorted: when they were said, then by their ids."""
        return self.sent_at_s, self.key.message

    @property
    def address(self) -> "Address":
        """Where it is answered."""
        titles = (self.text, *(upload.name for upload in self.uploads[:1]), self.author.name)
        message, channel = self.key.message, self.key.channel
        return Address(self.thread, channel, message, self.author, self.direct, self.in_thread, titles)

    @property
    def is_endless(self) -> bool:
        """Whether its conversation never ends by itself: a DM that is one conversation and not many threads."""
        return self.direct and self.thread.thread == self.thread.channel

    @property
    def has_words(self) -> bool:
        """Whether the text has a word or a number: a bare mention, a sign, an emoji and a sticker have none."""
        return any(character.isalnum() for character in _SIGNS.sub("", self.text))


_SIGNS = re.compile(r":[\w+-]+:|\[Sticker: [^\]\n]*\]")
"""How the platforms' translations write a custom emoji and a sticker."""


MOST_TALK, TALK_S = 10, 3600.0
"""A call without a word refers to what was written there just before: at most this many messages, none older than
this.
"""


@dataclass(frozen=True, slots=True)
class Address:
    """Where somebody who asked is answered; what they asked with is known by its key, not by this.

    `channel`: where it was asked. `message`: the message that the answer hangs on. `thread`: the conversation, which
    may have to be opened. `asker`: whom the answer is for. `direct`, `in_thread`: as in `Incoming`. `titles`: what a
    new thread may be named after, the best first.
    """

    thread: ThreadKey
    channel: str
    message: str
    asker: Person
    direct: bool = False
    in_thread: bool = False
    titles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Edited:
    """A person edited a message; `message` is all of it as it is now. Its text may be unchanged."""

    message: Incoming


@dataclass(frozen=True, slots=True)
class Deleted:
    """A person's message was deleted."""

    key: MessageKey


@dataclass(frozen=True, slots=True)
class Missed:
    """A platform could not be reached for a while, until now. The messages sent meanwhile were handed in; edits and
    deletions were not.
    """

    platform: str


class Button(StrEnum):
    """The buttons that a reader can press below an answer."""

    STOP = "stop"
    RETRY = "retry"
    CONTINUE = "continue"


@dataclass(frozen=True, slots=True)
class Pressed:
    """A person pressed a button on a message, or did something that means the same (a ❌ reaction: STOP).

    `message`: the message with the button, one of the bot's own, or with the reaction, which may be a question.
    """

    message: MessageKey
    button: Button
    person: Person


Event = Incoming | Edited | Deleted | Pressed | Missed
"""Everything that people do and a platform hands in, and the news that some of it may have been missed."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What is sent to one person besides any answer, unseen by others. `text`: a sentence; "" if there is nothing to
    send.
    """

    text: str = ""


@dataclass(frozen=True, slots=True)
class Budget:
    """How often one kind of call may be made: at most `calls` in `per_s` seconds, counted together for one `scope`.

    `guessed`: the rate is known, but how many may come in one burst is not, and may be fewer.
    """

    scope: str
    calls: int
    per_s: float
    guessed: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """What a place currently allows. `page_size` is in the dialect's own count. A status fades after `status_lasts_s`.

    `append_only`: a message can only get longer while it grows. `ends`: the budget for the last edit of a growing
    message, where it is not the budget of the other edits. `posts_instead`: the budget of another way to post, for when
    `posts` has no call left at once. `file_bytes`: the largest file that can be attached.
    """

    page_size: int
    posts: Budget
    edits: Budget
    status_lasts_s: float
    ends: Budget | None = None
    posts_instead: Budget | None = None
    append_only: bool = False
    file_bytes: int = 10_000_000


@dataclass(frozen=True, slots=True)
class Traits:
    """What is possible at all on a platform, and how it presents things. The core asks for these, never for a name.

    `reads_history`: earlier messages can be read back. `finds_posts`: another process can find a post by its key.
    `opens_threads`: an answer in a channel goes into a thread on its question, and `threads_in_dms`: in a DM, too.
    `dms_in_workspaces`: a DM belongs to a workspace. `workspaces`: what the settings of access call workspaces; "" if
    they mean none of this platform's. `status`: how readers are shown "is thinking…". `pasted_file`: the name of the
    file that the platform makes of a message that is too long; "" if it makes none.
    """

    reads_history: bool = True
    finds_posts: bool = True
    opens_threads: bool = True
    threads_in_dms: bool = True
    dms_in_workspaces: bool = True
    workspaces: str = ""
    status: str = "{}"
    pasted_file: str = ""
