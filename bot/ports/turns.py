"""Questions and the turns that answer them."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from bot.events import Bill, Claim, Incoming, MessageKey, Outcome, ThreadKey, Turn, TurnState


class Turns(Protocol):
    """The life of every turn. Every method is one transaction, on disk when it returns.

    A turn is named by any of its questions. Raise `KeyError` for one that was never accepted, and `IllegalTransition`
    where a turn cannot go (`bot.events.TRANSITIONS`); then nothing was changed.

    A worker claims a thread, and holds it until its lease ends or it gives the thread back (`end`, `Drafts.rest`). Its
    writes carry the claim's `epoch`; if the thread is no longer held with it, `LeaseLost` is raised and nothing was
    changed. Without an epoch no lease is checked, so that people have their way: a turn that they end, change or take
    back is lost to its worker.
    """

    async def accept(self, question: Incoming, *, settle_s: float = 0.0) -> bool:
        """Record a question. Return False if it was there already, by its key or by its `send_id`.

        Its thread is due in `settle_s` seconds, unless it is due sooner; a lease on it stays.
        """
        ...

    async def find(self, message: MessageKey) -> Turn | None:
        """Return the turn a message belongs to, as one of its questions or of its answer's messages, in any state."""
        ...

    async def claim(self, worker: str, lease_s: float) -> Claim | None:
        """Lease the thread that has been due longest, for `lease_s` seconds, and return what to answer there; None if
        no thread is due. In a thread, a turn that was begun comes first, until two attempts have failed; then
        everything only accepted, as one turn in the order it was asked. Only `begin` makes it one for good.
        """
        ...

    async def renew(self, claims: Sequence[Claim], lease_s: float) -> frozenset[ThreadKey]:
        """Renew leases; return the threads that are still held. The other leases are lost."""
        ...

    async def begin(self, questions: Sequence[Incoming], *, epoch: int | None = None) -> None:
        """Make accepted questions one turn that is being answered; its key is the first one's.

        A turn that was begun before goes on as it is, with its parts and with the questions that are new to it. This
        process works at it from now on; if the process dies, the `blame` is shared among the turns it worked at. Raise
        `ValueError` for questions of two turns already begun.
        """
        ...

    async def record(
        self,
        turn: MessageKey,
        outcome: Outcome,
        messages: Sequence[Mapping[str, Any]],
        bill: Bill | None = None,
        *,
        epoch: int | None = None,
    ) -> None:
        """Record a turn's whole outcome at once: what to deliver, the history's new messages, and what it cost."""
        ...

    async def end(self, turn: MessageKey, state: TurnState, *, epoch: int | None = None) -> None:
        """End a turn as `delivered`, `failed` or `stopped`; all the questions it answers end with it.

        The thread's lease ends: it is due at once if anything is open there.
        """
        ...

    async def reopen(self, turn: MessageKey, question: Incoming | None = None) -> Turn | None:
        """Reopen a thread's newest turn, to be answered anew into the messages it has; None if it is not the newest.

        Without a `question`, only a turn that has ended is reopened. Its answer becomes its draft. `question` replaces
        the one with its key. What the turn added to the history leaves it, and stays in the store as a branch. A turn
        that is only accepted stays so. A worker at the turn loses it, and its thread is due at once.
        """
        ...

    async def forget(self, question: MessageKey) -> Turn | None:
        """Purge a question: its text and files leave the store and the history. Return its turn as it is now, or None.

        A turn that was only accepted is stopped. What Claude answered stays. A worker at the turn loses it, and its
        thread is due at once if anything is open there.
        """
        ...


class Questions(Protocol):
    """What was asked, and where. Every method reads in one transaction."""

    async def knows(self, thread: ThreadKey) -> bool:
        """Return whether the bot was ever asked in this thread."""
        ...

    async def unended(self) -> Sequence[Turn]:
        """Return every turn that is neither delivered nor failed nor stopped, in the order it was accepted."""
        ...

    async def lately(self, platform: str, since_s: float, limit: int) -> Sequence[Incoming]:
        """Return up to `limit` questions that were accepted since a time and not deleted, newest first."""
        ...
