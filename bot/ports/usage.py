"""What was used and by whom."""

from typing import Protocol

from bot.events import Bill, MessageKey


class Usage(Protocol):
    """Everybody's accounts, in tokens in and out. Every method is one transaction, on disk when it returns.

    `person`: platform and id, as `discord:42`; "" is everybody. A name that begins with "@" is a further account, such
    as a place's: what is charged to it does not count again for everybody.
    """

    async def charge(self, turn: MessageKey, bill: Bill, *, epoch: int | None = None) -> int:
        """Record what each person pays for a turn; return the number of the bill. `epoch`: see `Turns`.

        A bill that has a number is updated: what was reserved before a call becomes what it cost. A bill that is never
        updated counts as reserved.
        """
        ...

    async def spent(self, person: str, since_s: float) -> int:
        """Return the tokens that somebody's questions have used since a time."""
        ...

    async def spent_at_s(self, person: str, since_s: float, tokens: int) -> float:
        """Return when somebody had used so many tokens, counted from a time on; 0.0 if they have not used that many."""
        ...
