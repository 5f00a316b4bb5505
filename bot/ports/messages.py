"""The messages of answers: written down before they are posted and after."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from bot.events import AnswerMessage, MessageKey

IsOurs = Callable[[str], Awaitable[bool]]
"""`Messages.is_ours`, for callers that need nothing else of it."""


class PartLog(Protocol):
    """Where a reply writes down what it posts."""

    async def posting(self, turn: MessageKey, part: AnswerMessage) -> None:
        """Record that a post is about to be made; on disk when it returns. What is already known of it stays."""
        ...

    async def posted(self, turn: MessageKey, part: AnswerMessage) -> None:
        """Record the platform's id of a post that was made; on disk when it returns."""
        ...


class Messages(PartLog, Protocol):
    """The messages of all answers. Every method is one transaction, on disk when it returns. `epoch`: see `Turns`."""

    async def posting(self, turn: MessageKey, part: AnswerMessage, *, epoch: int | None = None) -> None:
        """Record that a post is about to be made; on disk when it returns. What is already known of it stays."""
        ...

    async def posted(self, turn: MessageKey, part: AnswerMessage, *, epoch: int | None = None) -> None:
        """Record the platform's id of a post that was made; on disk when it returns."""
        ...

    async def is_ours(self, idempotency_key: str) -> bool:
        """Return whether a part of an answer was posted with a key, or is the message of this id, by this process or by
        another one on this store, at any time.
        """
        ...

    async def idempotency_key(self, turn: MessageKey) -> str:
        """Return the name of an answer to its platform: 16 characters that no other turn has, in this or any other
        database. They never change, even when the database is moved or copied.
        """
        ...
