"""What to know of people besides what they ask."""

from typing import Protocol

from bot.events import MessageKey


class Signals(Protocol):
    """What people want of a turn that is being answered. Every method is one transaction, on disk when it returns."""

    async def stop(self, turn: MessageKey) -> None:
        """Record that a reader stopped an answer, until the turn ends or is reopened.

        If the turn waits to be tried again, its thread is due at once.
        """
        ...


class Notices(Protocol):
    """Who was told what. Every method is one transaction, on disk when it returns."""

    async def note_refusal(self, person: str, since_s: float) -> bool:
        """Record that somebody is told that they may not speak; return False if they were already told since a time.

        `person`: platform and id, as `discord:42`.
        """
        ...
