"""What there is of an answer that is not recorded yet."""

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
        """Write down that this process has left off working at a turn, in good order; `text` as for `keep`.

        With an `epoch` its thread is given back, and due in `due_in_s` seconds. `tried`: the turn was tried in vain.
        """
        ...
