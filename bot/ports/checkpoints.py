"""The time up to which a platform has handed in everything."""

from collections.abc import Sequence
from typing import Protocol

from bot.events import ThreadKey


class Checkpoints(Protocol):
    """Where a platform keeps the time up to which it has handed in everything. Times are seconds since 1970. Every
    method is one transaction, on disk when it returns.
    """

    async def last(self, platform: str) -> float:
        """Return the time up to which everything was handed in; 0.0 if the bot was never there before."""
        ...

    async def save(self, platform: str, at_s: float) -> None:
        """Record that everything up to a time was handed in. It never goes back."""
        ...

    async def threads(self, platform: str, since_s: float) -> Sequence[ThreadKey]:
        """Return the threads (DMs are threads) the bot was asked in since a time, newest first."""
        ...
