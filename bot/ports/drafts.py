"""What there is of an answer that is not recorded yet."""

from typing import Protocol

from bot.events import MessageKey


class Drafts(Protocol):
    """What Claude wrote so far. Every method is one transaction, on disk when it returns."""

    async def keep(self, turn: MessageKey, text: str) -> None:
        """Keep what Claude wrote so far of an answer; nothing is changed if that is ""."""
        ...

    async def rest(self, turn: MessageKey, text: str) -> None:
        """Write down that this process has left off working at a turn, in good order; `text` as for `keep`."""
        ...
