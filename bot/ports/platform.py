"""A chat service, and one place on it."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from bot.events import (
    Address,
    Button,
    Earlier,
    Event,
    Incoming,
    Limits,
    MessageKey,
    Person,
    Place,
    Reply,
    Traits,
    Upload,
)
from bot.ports.checkpoints import Checkpoints
from bot.ports.messages import IsOurs

EventHandler = Callable[[Event], Awaitable[Reply]]
"""Where a platform hands in events. When it returns, the event is on disk or was turned away, and may be acknowledged.
When it raises, the event must not be acknowledged, so that the platform delivers it again. The reply is for one person
alone: a platform shows it to whoever pressed a button or wrote, if it can."""


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

        With `limits.append_only`, the new text of a growing message must begin with what it shows.
        """
        ...

    async def delete(self, message_id: str) -> None:
        """Delete one of the bot's messages. It is no error if it is already gone."""
        ...

    async def attach(self, name: str, data: bytes, idempotency_key: str, *, may_exist: bool = False) -> str:
        """Post a file; return the id of the message that shows it. `idempotency_key` and `may_exist` as for `post`."""
        ...

    async def status(self, text: str) -> None:
        """Show that an answer is on its way, for `limits.status_lasts_s`; an empty text takes it away."""
        ...

    async def earlier(self, question: Incoming, limit: int, *, thread: bool = True) -> Earlier:
        """Return up to `limit` messages, oldest first, that were written before a question of this conversation and
        belong to it: the thread it was asked in, the message it replies to and those it links to. Empty if the question
        opens a conversation.

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
        """What is possible on it, and what things are called there."""
        ...

    async def run(self, handle: EventHandler, checkpoints: Checkpoints, is_ours: IsOurs) -> None:
        """Connect and hand events in until cancelled. Raises `StartupError` if the platform refuses the bot.

        What was written since the last checkpoint, while there was no connection, is fetched and handed in, too.
        `is_ours` tells this bot's messages from those that another program on its account posted.
        """
        ...

    def surface(self, address: Address, key: MessageKey) -> Surface:
        """Return the surface to answer at; addresses that an earlier process stored work, too.

        `key`: what is answered there.
        """
        ...

    def now_s(self) -> float:
        """Return the time in seconds since 1970 by the platform's clock, as far as it is known."""
        ...

    async def download(self, upload: Upload, max_bytes: int) -> bytes:
        """Return an upload's bytes, from the platform's own file hosts only. Raises `MediaError`."""
        ...

    async def current(self, question: Incoming) -> Incoming | None:
        """Return a question as it stands now: this very object if nobody edited it, None if it was deleted.

        Raises `PlatformError` if that cannot be found out.
        """
        ...

    async def author_now(self, question: Incoming) -> Person:
        """Return who asked a question, with their roles as they are now: none if they have left.

        Raises `PlatformError` if that cannot be found out.
        """
        ...
