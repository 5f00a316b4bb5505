"""Drafts: what Claude has written of answers that are not recorded yet."""

from typing import Protocol

from bot.events import MessageKey


class Drafts(Protocol):
    """What Claude wrote so far. Every method is one transaction, on disk when it returns. `epoch`: see `Turns`."""

    async def keep(self, turn: MessageKey, text: str, *, epoch: int | None = None) -> None:
        """Keep what Claude wrote so far of an answer; nothing is changed if that is ""."""
        ...

    async def rest(
        self, turn: MessageKey, text: str, *, epoch: int | None = None, due_in_s: float = 0.0, tried: bool = False
    ) -> None:
        """Record that this process stopped working at a turn in good order; `text` as for `keep`.

        With an `epoch`, its thread is given back and due in `due_in_s` seconds. `tried`: the attempt failed.
        """
        ...
