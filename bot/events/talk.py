"""What people say and do, and where.

Ids are the platforms' own, as strings (a Discord snowflake, a Slack `C…`, `U…` or `ts`).
"""

import re
from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True, order=True)
class ThreadKey:
    """One conversation. Two workspaces with equal channel and thread ids are two conversations.

    `workspace` is a Discord guild or a Slack team (Discord DMs: `@me`). `channel` is where the thread hangs.
    `thread` is the Discord thread's id (equal to the id of the message it was opened on), or the Slack `ts` of the
    root message. A Discord DM is one conversation: `thread == channel`.
    """

    platform: str
    workspace: str
    channel: str
    thread: str

    def __str__(self) -> str:
        return f"{self.platform}:{self.workspace}:{self.channel}:{self.thread}"


@dataclass(frozen=True, slots=True, order=True)
class MessageKey:
    """One message on one platform, and so the turn that answers it. Unique, whatever is delivered twice."""

    platform: str
    workspace: str
    channel: str
    message: str

    def __str__(self) -> str:
        return f"{self.platform}:{self.workspace}:{self.channel}:{self.message}"


@dataclass(frozen=True, slots=True)
class Person:
    """Who wrote. Authorised by `id` and `roles` only; `name` is what they chose to be called and proves nothing.

    `moderator`: may manage other people's messages in this place, as the platform says. `time_zone`: the IANA name of
    the zone they live in, such as `Europe/Berlin`, "" if it is not told; `utc_offset_s`: by what it is ahead of UTC.
    """

    id: str
    name: str
    roles: frozenset[str] = frozenset()
    moderator: bool = False
    time_zone: str = ""
    utc_offset_s: int = 0


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that hangs on a message, not yet downloaded. `media_type` and `size_bytes` are the platform's claim.

    `spoiler`: its author has hidden it from those who do not ask for it. `title`: what people see it called, if that is
    not its name.
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
    """Something that was said before the bot was asked: context, not a question. `by_bot`: our own words.

    `message_id`: the platform's id of it, in the channel where it was said; "" if it is not known. `place`: where it
    was said, if that is not where the question was asked (which links to it). `sent_at_s`: as of an `Incoming`.
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
    """What was said before a question and belongs to it, oldest first.

    `missing`: what of it could not be read, as the object of a sentence ("the older messages of this thread"); "" if it
    is whole.
    """

    said: tuple[Said, ...] = ()
    missing: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a question was asked, in the names that people see there; "" for what there is not or is not known.

    `kind`: what people call it, such as "channel", "direct message" or "forum post". `server`: the Discord server or
    Slack workspace. `thread`: a thread's name, or a forum post's title, and `tags` what is put on the post.
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

    `direct`: written in a DM; `group`: in a DM of several people. `mentions_bot`: addressed by mention, or by replying
    to one of its messages. `mentions_others`: names somebody who is not the bot, or replies to them. `reply_to`: id of
    the message it replies to, or "".
    `in_thread`: written inside a thread that exists already (False: it would be the root of a new one).
    `sent_at_s`: when it was written, in seconds since 1970 by the platform's clock. `send_id`: the platform's id of the
    one act of sending, where it tells it: two messages with one are one question. `said_before`: what its author had
    said just before, without calling the bot.
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
    def is_endless(self) -> bool:
        """Whether its conversation has no end of its own: a DM that is one conversation, and not many threads."""
        return self.direct and self.thread.thread == self.thread.channel

    @property
    def has_words(self) -> bool:
        """Whether there is a word or a number in the text: a bare mention, a sign, an emoji, a sticker have none."""
        return any(character.isalnum() for character in _SIGNS.sub("", self.text))


_SIGNS = re.compile(r":[\w+-]+:|\[Sticker: [^\]\n]*\]")
"""What the platforms' translations make of an emoji of a server or workspace, and of a sticker."""


MOST_TALK, TALK_S = 10, 3600.0
"""Who calls the bot without a word means what was said there just before: so many messages, and no older ones."""


@dataclass(frozen=True, slots=True)
class Edited:
    """A person changed a message; `message` is the whole of it as it is now. Its text may be what it was before."""

    message: Incoming


@dataclass(frozen=True, slots=True)
class Deleted:
    """A person's message is no longer there."""

    key: MessageKey


@dataclass(frozen=True, slots=True)
class Missed:
    """Nothing was heard of a platform for a while, until now. What was said meanwhile was handed in; what people edited
    or deleted meanwhile was not.
    """

    platform: str


class Button(StrEnum):
    """What a reader can press below an answer."""

    STOP = "stop"
    RETRY = "retry"
    CONTINUE = "continue"


@dataclass(frozen=True, slots=True)
class Pressed:
    """A person pressed a button on a message, or did what means the same (a ❌ reaction: STOP).

    `message`: what it was done to: one of the bot's own messages, or (a reaction) a question.
    """

    message: MessageKey
    button: Button
    person: Person


Event = Incoming | Edited | Deleted | Pressed | Missed
"""Everything that people do and a platform hands in, and that it may have missed some of it."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What one person is told beside any answer, and nobody else sees. `text`: a sentence; "" if there is nothing."""

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
    """What a place allows, now. `page_size` is in the dialect's own count. A status fades after `status_lasts_s`.

    `append_only`: a message can only get longer while it grows. `ends`: the budget of the last edit of a message that
    grows, where it is not that of the others. `posts_instead`: the budget of another way to post, for when `posts` has
    no call left at once. A file to attach may have `file_bytes`.
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
    """What is possible at all on a platform, and what it makes of things. The core asks for these, never for a name.

    `reads_history`: what was said before is read back. `finds_posts`: another process finds a post again by its key.
    `opens_threads`: an answer in a channel stands in a thread on its question, and `threads_in_dms`: in a DM, too.
    `dms_in_workspaces`: a DM belongs to a workspace. `status`: how "is thinking…" is said to readers. `pasted_file`:
    what a message that is too long to be one is called as a file; "" if there is no such thing.
    """

    reads_history: bool = True
    finds_posts: bool = True
    opens_threads: bool = True
    threads_in_dms: bool = True
    dms_in_workspaces: bool = True
    status: str = "{}"
    pasted_file: str = ""
