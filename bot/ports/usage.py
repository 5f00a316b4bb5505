"""What was used and by whom."""

from typing import Protocol

from bot.events import Bill, MessageKey


class Usage(Protocol):
    """Everybody's accounts, in tokens in and out. Every method is one transaction, on disk when it returns.

    `person`: platform and id, as `discord:42`; "" is everybody. One that begins with "@" is an account beside those of
    the persons, as of a place: what is charged to it is not charged to everybody once more.
    """

    async def charge(self, turn: MessageKey, bill: Bill, *, epoch: int | None = None) -> int:
        """Write down what each person pays for a turn; return the number of the bill. `epoch`: see `Turns`.

        One that has a number already is changed: what was reserved before a call becomes what it cost. What is never
        changed counts as it was reserved.
        """
        ...

    async def spent(self, person: str, since_s: float) -> int:
        """Return the tokens that somebody's questions have used since a time."""
        ...

    async def spent_at_s(self, person: str, since_s: float, tokens: int) -> float:
        """Return when somebody had used so many tokens, counted from a time on; 0.0 if they have not used as many."""
        ...
