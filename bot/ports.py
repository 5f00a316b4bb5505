"""The protocols between the rooms: what has more than one implementation, and nothing else.

The real ones live in `platforms` and `store`; the fakes of the tests have the same shape and pass the same contracts,
which are written in `tests/contracts`.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

from bot.events import (
    AnswerMessage,
    Bill,
    Button,
    Earlier,
    Event,
    Incoming,
    Limits,
    MessageKey,
    Outcome,
    Person,
    Place,
    ThreadKey,
    Traits,
    Turn,
    Upload,
)

EventHandler = Callable[[Event], Awaitable[str]]
"""Where a platform hands in what people do. When it returns, the event is on disk or was turned away, and may be
acknowledged; when it raises, it must not be acknowledged, so that the platform delivers it again. What it returns is
a sentence for the person alone ("" for none), which a platform shows to who pressed a button or wrote, if it can."""


class Dialect(Protocol):
    """Claude's Markdown → what one platform renders. Pure."""

    def render(self, markdown: str) -> str:
        """Return the text to send for a piece of Markdown that is complete in itself (no block left open)."""
        ...

    def size(self, rendered: str) -> int:
        """Return the length of rendered text as the platform counts it."""
        ...


class Surface(Protocol):
    """One place to post to. Nothing sent through it can ping or unfurl. Raises only `PlatformError`s."""

    @property
    def dialect(self) -> Dialect:
        """How Claude's Markdown is rendered here."""
        ...

    @property
    def limits(self) -> Limits:
        """What this place allows, as far as it is known now."""
        ...

    async def post(
        self,
        text: str,
        idempotency_key: str,
        *,
        buttons: Sequence[Button] = (),
        growing: bool = False,
        may_exist: bool = False,
    ) -> str:
        """Post rendered text; return the message's id. One key makes one message, however often it is asked for.

        A key ends in a dot and the number of the part in its answer, from 0. `growing`: more text of this message will
        follow. `may_exist`: an earlier attempt, perhaps by an earlier process, may have landed: find it before posting.
        """
        ...

    async def edit(self, message_id: str, text: str, *, buttons: Sequence[Button] = (), growing: bool = False) -> None:
        """Replace a message's text by rendered text, and its buttons.

        With `limits.append_only` a message that grows is asked to show a text that begins with what it shows.
        """
        ...

    async def delete(self, message_id: str) -> None:
        """Take one of the bot's messages away. One that is no longer there is no error."""
        ...

    async def attach(self, name: str, data: bytes, idempotency_key: str, *, may_exist: bool = False) -> str:
        """Post a file; return the id of the message that shows it. `idempotency_key` and `may_exist` as for `post`."""
        ...

    async def status(self, text: str) -> None:
        """Show that an answer is on its way, for `limits.status_lasts_s`; an empty text takes it away."""
        ...

    async def earlier(self, limit: int, *, thread: bool = True) -> Earlier:
        """Return up to `limit` messages, oldest first, that were said before the question and belong to it: the thread
        it was asked in, the message it replies to and those it links to. Empty if a question opens a conversation.

        `thread` False: without the thread. What cannot be read is named in `missing`; never raises.
        """
        ...

    async def place(self) -> Place:
        """Return where the question was asked, as far as it is known. Never raises."""
        ...


class Platform(Protocol):
    """A chat service the bot is connected to."""

    @property
    def name(self) -> str:
        """The platform's name, as in its keys."""
        ...

    @property
    def traits(self) -> Traits:
        """What is possible there, and what things are called."""
        ...

    async def run(self, handle: EventHandler, log: "HearLog") -> None:
        """Connect and hand events in until cancelled. Raises `StartupError` if the platform refuses the bot.

        What was said while there was no connection is fetched and handed in, too, as far as `log` tells what was heard.
        """
        ...

    def surface(self, question: Incoming) -> Surface:
        """Return the place where a question is answered; works for a question stored by an earlier process."""
        ...

    def now_s(self) -> float:
        """Return the time in seconds since 1970 by the platform's clock, as far as it is known."""
        ...

    async def download(self, upload: Upload, max_bytes: int) -> bytes:
        """Return an upload's bytes, from the platform's own file hosts only. Raises `MediaError`."""
        ...

    async def current(self, question: Incoming) -> Incoming | None:
        """Return a question as it stands now: this very object if nobody edited it, None if it was deleted.

        Raises `PlatformError` if that cannot be told.
        """
        ...

    async def author_now(self, question: Incoming) -> Person:
        """Return who asked a question, with their roles as they are now: none for who has left.

        Raises `PlatformError` if that cannot be told.
        """
        ...


class HearLog(Protocol):
    """Where a platform looks up and writes down until when it has heard everything, and looks up whether a message of
    the bot's account is one of this bot's. Times in seconds since 1970.
    """

    async def heard_until(self, platform: str) -> float:
        """Return the time up to which everything said was handed in; 0.0 if the bot was never there before."""
        ...

    async def heard(self, platform: str, at_s: float) -> None:
        """Write down that everything said up to a time was handed in."""
        ...

    async def threads(self, platform: str, since_s: float) -> Sequence[ThreadKey]:
        """Return the threads (DMs are threads) the bot was asked in since a time, newest first."""
        ...

    async def is_ours(self, idempotency_key: str) -> bool:
        """Say whether a part of an answer was posted with a key, or is the message of this id, by this process or by
        another one on this store, at any time.
        """
        ...


class PartLog(Protocol):
    """Where a reply writes down what it posts."""

    async def posting(self, turn: MessageKey, part: AnswerMessage) -> None:
        """Write down that a post is about to be made; on disk when it returns."""
        ...

    async def posted(self, turn: MessageKey, part: AnswerMessage) -> None:
        """Write down the platform's id of a post that was made; on disk when it returns."""
        ...


class Store(PartLog, HearLog, Protocol):
    """The only truth. Every method is one transaction, on disk when it returns."""

    async def accept(self, question: Incoming) -> bool:
        """Write a question down. False if it was there already, by its key or by its `send_id`."""
        ...

    async def knows(self, thread: ThreadKey) -> bool:
        """Say whether the bot was ever asked in this thread."""
        ...

    async def unended(self) -> Sequence[Turn]:
        """Return every turn that is neither delivered nor failed nor stopped, in the order it was accepted."""
        ...

    async def lately(self, platform: str, since_s: float, limit: int) -> Sequence[Incoming]:
        """Return up to `limit` questions that were accepted since a time and not deleted, newest first."""
        ...

    async def find(self, message: MessageKey) -> Turn | None:
        """Return the turn a message belongs to, as one of its questions or of its answer's messages, in any state."""
        ...

    async def begin(self, questions: Sequence[Incoming]) -> None:
        """Make accepted questions one turn that is being answered; its key is the first one's."""
        ...

    async def record(
        self,
        turn: MessageKey,
        outcome: Outcome,
        messages: Sequence[Mapping[str, Any]],
        bill: Bill | None = None,
    ) -> None:
        """Write a turn's whole outcome, together: what to deliver, the history's new messages, and what it cost."""
        ...

    async def end(self, turn: MessageKey, state: str) -> None:
        """End a turn as `delivered`, `failed` or `stopped`; all the questions it answers end with it."""
        ...

    async def charge(self, turn: MessageKey, bill: Bill) -> int:
        """Write down what each person pays for a turn; return the number of the bill.

        One that has a number already is changed: what was reserved before a call becomes what it cost. What is never
        changed counts as it was reserved.
        """
        ...

    async def idempotency_key(self, turn: MessageKey) -> str:
        """Return what an answer is named to its platform: 16 characters that no other turn has, nor any turn of another
        database. They stay the same for good, also when the database is moved or copied.
        """
        ...

    async def draft(self, turn: MessageKey, text: str) -> None:
        """Keep what Claude wrote so far of an answer; nothing is changed if that is ""."""
        ...

    async def resume(self, turn: MessageKey) -> None:
        """Write down that this process works at a turn that was begun before; `begin` does so, too.

        A process that dies is shared out as `blame` among the turns that it worked at.
        """
        ...

    async def rest(self, turn: MessageKey, text: str) -> None:
        """Write down that this process has left off working at a turn, in good order; `text` as for `draft`."""
        ...

    async def stop(self, turn: MessageKey) -> None:
        """Write down that a reader wants no more of an answer, until the turn ends or is taken up again."""
        ...

    async def used(self, person: str, since_s: float) -> int:
        """Return the tokens, in and out, that somebody's questions have used since a time; "" is everybody.

        `person`: platform and id, as `discord:42`.
        """
        ...

    async def used_up_to_s(self, person: str, since_s: float, tokens: int) -> float:
        """Return when somebody had used so many tokens, counted from a time on; 0.0 if they have not used as many."""
        ...

    async def reopen(self, turn: MessageKey, question: Incoming | None = None) -> Turn | None:
        """Take a thread's newest turn up again, to be answered anew into the messages it has; None if it is not that.

        Without a `question` only a turn that has ended is taken up. What was its answer is its draft. `question` takes
        the place of the one with its key. What the turn had added to the history leaves it, and stays in the store as a
        branch. A turn that is only accepted stays so.
        """
        ...

    async def renew(self, thread: ThreadKey) -> None:
        """Begin a thread's history anew: what it had leaves it, and stays in the store as a branch."""
        ...

    async def note_refusal(self, person: str, since_s: float) -> bool:
        """Write down that somebody is told that they may not speak; False if they were told since a time.

        `person`: platform and id, as `discord:42`.
        """
        ...

    async def forget(self, question: MessageKey) -> Turn | None:
        """Purge a question: its text and files leave the store and the history. Return its turn as it is now, or None.

        A turn that was only accepted is stopped. What Claude answered stays.
        """
        ...

    async def history(self, thread: ThreadKey) -> list[dict[str, Any]]:
        """Return the thread's messages for Claude, plain JSON with explicit roles, oldest first.

        A block of a question has `said`, the question's message id.
        """
        ...

    async def keep(self, data: bytes, media_type: str) -> str:
        """Keep bytes once; return their SHA-256 in hex, by which `blob` gives them back."""
        ...

    async def blob(self, sha256: str) -> tuple[bytes, str]:
        """Return kept bytes and their media type. Raises `KeyError` if they are not there any more."""
        ...
