"""The words the rooms share. All frozen, all plain data: no SDK object, no I/O, no clock.

Ids are the platforms' own, as strings (a Discord snowflake, a Slack `C…`, `U…` or `ts`).
"""

from dataclasses import dataclass


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
    """Who wrote. Authorised by `id` and `roles` only; `name` is what they chose to be called and proves nothing."""

    id: str
    name: str
    roles: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that hangs on a message, not yet downloaded. `media_type` and `size_bytes` are the platform's claim."""

    id: str
    name: str
    url: str
    media_type: str = ""
    size_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Said:
    """Something that was said before the bot was asked: context, not a question. `by_bot`: our own words."""

    author: Person
    text: str
    uploads: tuple[Upload, ...] = ()
    by_bot: bool = False


@dataclass(frozen=True, slots=True)
class Incoming:
    """A person's message. `text` is Markdown with people's names in place of ids and the bot's own mention removed.

    `direct`: written in a DM. `mentions_bot`: addressed by mention, or by replying to one of its messages.
    `mentions_others`: names somebody who is not the bot. `reply_to`: id of the message it replies to, or "".
    `in_thread`: written inside a thread that exists already (False: it would be the root of a new one).
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


@dataclass(frozen=True, slots=True)
class Budget:
    """How often one kind of call may be made: at most `calls` in `per_s` seconds, counted together for one `scope`."""

    scope: str
    calls: int
    per_s: float


@dataclass(frozen=True, slots=True)
class Limits:
    """What a place allows. `page_size` is in the dialect's own count. A status fades after `status_lasts_s`."""

    page_size: int
    posts: Budget
    edits: Budget
    status_lasts_s: float


@dataclass(frozen=True, slots=True)
class Part:
    """One message of an answer. `mark` is its idempotency mark; `message_id` is "" until the platform confirmed it."""

    index: int
    mark: str
    message_id: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """A turn that has not ended, as the store holds it: the questions one answer is for, in the platform's order.

    `state`: `accepted`, `answering` or `answered`. If `answered`, `answer` is Claude's whole text to deliver and `note`
    what the bot adds below it; else both are "".
    """

    questions: tuple[Incoming, ...]
    state: str
    parts: tuple[Part, ...] = ()
    answer: str = ""
    note: str = ""

    @property
    def key(self) -> MessageKey:
        """The first question's key: the turn's own."""
        return self.questions[0].key
