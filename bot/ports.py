"""The protocols between the rooms: what has more than one implementation, and nothing else.

The real ones live in `platforms` and `store`; the fakes of the tests have the same shape and pass the same contracts.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

from bot.events import Incoming, Limits, MessageKey, Part, Said, ThreadKey, Turn, Upload

Hear = Callable[[Incoming], Awaitable[None]]
"""Where a platform hands a message in. When it returns, the turn is on disk or was turned away, and the event may be
acknowledged; when it raises, the event must not be acknowledged, so that the platform delivers it again."""


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

    async def post(self, text: str, mark: str, *, again: bool = False) -> str:
        """Post rendered text; return the message's id. One mark makes one message, however often it is asked for.

        A mark ends in a dot and the number of the part in its answer, from 0. `again`: an earlier attempt, perhaps by
        an earlier process, may have landed: find it before posting.
        """
        ...

    async def edit(self, message_id: str, text: str) -> None:
        """Replace a message's text by rendered text."""
        ...

    async def status(self, text: str) -> None:
        """Show that an answer is on its way, for `limits.status_lasts_s`; an empty text takes it away."""
        ...

    async def earlier(self, limit: int) -> Sequence[Said]:
        """Return up to `limit` messages, oldest first, that were said before the question and belong to it:
        the thread it was asked in, and the message it replies to. Empty for a question that opens a conversation.
        """
        ...


class Platform(Protocol):
    """A chat service the bot is connected to."""

    @property
    def name(self) -> str:
        """The platform's name, as in its keys."""
        ...

    async def run(self, hear: Hear) -> None:
        """Connect and hand messages in until cancelled. Raises `StartupError` if the platform refuses the bot."""
        ...

    def surface(self, question: Incoming) -> Surface:
        """Return the place where a question is answered; works for a question stored by an earlier process."""
        ...

    async def download(self, upload: Upload, max_bytes: int) -> bytes:
        """Return an upload's bytes, from the platform's own file hosts only. Raises `MediaError`."""
        ...


class PartLog(Protocol):
    """Where a reply writes down what it posts."""

    async def posting(self, turn: MessageKey, part: Part) -> None:
        """Write down that a post is about to be made; on disk when it returns."""
        ...

    async def posted(self, turn: MessageKey, part: Part) -> None:
        """Write down the platform's id of a post that was made; on disk when it returns."""
        ...


class Store(PartLog, Protocol):
    """The only truth. Every method is one transaction, on disk when it returns."""

    async def accept(self, question: Incoming) -> bool:
        """Write a question down. False if it was there already."""
        ...

    async def knows(self, thread: ThreadKey) -> bool:
        """Say whether the bot was ever asked in this thread."""
        ...

    async def unended(self) -> Sequence[Turn]:
        """Return every turn that is neither delivered nor failed nor stopped, in the order it was accepted."""
        ...

    async def begin(self, questions: Sequence[Incoming]) -> None:
        """Make accepted questions one turn that is being answered; its key is the first one's."""
        ...

    async def record(
        self, turn: MessageKey, answer: str, note: str, messages: Sequence[Mapping[str, Any]], usage: Mapping[str, Any]
    ) -> None:
        """Write a turn's whole outcome: what to deliver, the history's new messages and the usage, together.

        `answer` is Claude's text, `note` what the bot adds below it ("" for nothing).
        """
        ...

    async def end(self, turn: MessageKey, state: str) -> None:
        """End a turn as `delivered`, `failed` or `stopped`; all the questions it answers end with it."""
        ...

    async def history(self, thread: ThreadKey) -> list[dict[str, Any]]:
        """Return the thread's messages for Claude, plain JSON with explicit roles, oldest first."""
        ...

    async def keep(self, data: bytes, media_type: str) -> str:
        """Keep bytes once; return their SHA-256 in hex, by which `blob` gives them back."""
        ...

    async def blob(self, sha256: str) -> tuple[bytes, str]:
        """Return kept bytes and their media type. Raises `KeyError` if they are not there."""
        ...
