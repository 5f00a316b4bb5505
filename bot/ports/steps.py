"""The journal of turns: what is finished of an answer that is not."""

from collections.abc import Sequence
from typing import Protocol

from bot.events import MessageKey, Step


class Steps(Protocol):
    """The finished requests of turns, so that nothing is paid twice and no tool runs twice because a process died.
    Every method is one transaction, on disk when it returns. `epoch`: see `Turns`.
    """

    async def add(self, turn: MessageKey, step: Step, *, epoch: int | None = None) -> None:
        """Record a finished request of a turn, before the next one begins. A step of the same number is replaced.

        Its usage stays for good. Its messages stay as long as the turn may need them: until it is recorded, ends or is
        reopened, or one of its questions is forgotten.
        """
        ...

    async def of(self, turn: MessageKey) -> Sequence[Step]:
        """Return the steps that a turn continues after, in order; none if it is to be answered from its beginning."""
        ...
