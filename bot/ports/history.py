"""What was said in a thread, as Claude receives it, and the bytes in it."""

from typing import Any, Protocol

from bot.events import ThreadKey


class History(Protocol):
    """A thread's messages for Claude. They are added by `Turns.record`, a whole turn at a time.
    Every method is one transaction, on disk when it returns.
    """

    async def messages(self, thread: ThreadKey) -> list[dict[str, Any]]:
        """Return the thread's messages for Claude, plain JSON with explicit roles, oldest first.

        A block of a question has `said`, the question's message id.
        """
        ...

    async def restart(self, thread: ThreadKey) -> None:
        """Start a thread's history anew: its messages leave it, and stay in the store as a branch."""
        ...

    async def keep(self, data: bytes, media_type: str) -> str:
        """Keep bytes once; return their SHA-256 in hex, by which `blob` gives them back."""
        ...

    async def blob(self, sha256: str) -> tuple[bytes, str]:
        """Return kept bytes and their media type. Raise `KeyError` if they are gone."""
        ...
