"""The scopes of a pacer: how much of each budget is left, who waits for a call, and what was granted.

When a call may go is decided by the functions of `pace`; the scopes hold the event loop's timers.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from bot.events import Budget
from bot.reply.pacing.pace import (
    Backlog,
    Bucket,
    CallClaim,
    Rank,
    finished,
    fresher_s,
    ready_s,
    returned,
    settled,
    started,
)

_LOST_S = 3.0
"""How long a request that nobody waits for any more may still be on its way."""


@dataclass(slots=True, eq=False)
class Waiter:
    """Somebody who waits for a call. `granted`: done as soon as it may be made."""

    claim: CallClaim
    granted: asyncio.Future[None]


class Meter:
    """One budget's bucket, which calls `reconsider` when the next call is free."""

    def __init__(self, budget: Budget, reconsider: Callable[[], None]) -> None:
        self.bucket = Bucket(budget)
        self._reconsider = reconsider
        self._timer: asyncio.TimerHandle | None = None

    def free(self, rank: Rank, alone: Backlog | None = None) -> bool:
        """Return whether a call may begin now; if not, check again as soon as one may.

        `alone`: the backlog of the only reply that waits.
        """
        loop = asyncio.get_running_loop()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        now_s = loop.time()
        at_s = ready_s(self.bucket, now_s, rank)
        if at_s <= now_s and alone is not None and rank is Rank.MORE:
            at_s = fresher_s(alone, self.bucket.budget, at_s, now_s)
        if now_s < at_s < float("inf"):
            self._timer = loop.call_at(at_s, self._reconsider)
        return at_s <= now_s


class Shared:
    """A budget above others: among the scopes below it that may call, the most urgent one goes first."""

    def __init__(self, budget: Budget) -> None:
        self.meter = Meter(budget, self.reconsider)
        self.ready: dict[Scope, None] = {}  # in the order they came

    def reconsider(self) -> None:
        """Grant what may go now, the most urgent first."""
        while self.ready and self.meter.free(min(scope.rank for scope in self.ready)):
            now_s = asyncio.get_running_loop().time()
            scope = min(self.ready, key=lambda scope: scope.place(now_s))
            scope.grant(now_s)
            scope.sort_in()


class Scope:
    """One scope's budget and those who wait for it, in the order they asked. `shared`: the budget above it."""

    def __init__(self, budget: Budget, shared: Shared | None) -> None:
        self.meter = Meter(budget, self.reconsider)
        self.shared = shared
        self.asked: Budget | None = None
        self.learned = False
        self.waiters: list[Waiter] = []
        self.rank = Rank.TYPING

    def reconsider(self) -> None:
        """Grant what may go now, and make sure that the rest is reconsidered in time."""
        if self.shared is not None:
            self.sort_in()
            self.shared.reconsider()
            return
        while self._free():
            self.grant(asyncio.get_running_loop().time())

    def sort_in(self) -> None:
        """Join or leave the scopes that wait only for the budget above."""
        assert self.shared is not None
        if self._free():
            self.shared.ready[self] = None
        else:
            self.shared.ready.pop(self, None)

    def _free(self) -> bool:
        self.waiters = [waiter for waiter in self.waiters if not waiter.granted.done()]
        if not self.waiters:
            return False
        now_s = asyncio.get_running_loop().time()
        self.rank = min(waiter.claim.rank_at(now_s) for waiter in self.waiters)
        alone = self.waiters[0].claim.backlog if len(self.waiters) == 1 else None
        return self.meter.free(self.rank, alone)

    def place(self, now_s: float) -> tuple[Rank, float]:
        """Return the queue position of the most urgent claim."""
        return min(waiter.claim.place(now_s) for waiter in self.waiters)

    def grant(self, now_s: float) -> None:
        """Grant a call to the most urgent claim."""
        waiter = min(self.waiters, key=lambda waiter: waiter.claim.place(now_s))
        self.waiters.remove(waiter)
        if waiter.granted.cancelled():  # just now: its task has not run yet
            return
        self.meter.bucket = started(self.meter.bucket, now_s)
        if self.shared is not None:
            self.shared.meter.bucket = started(self.shared.meter.bucket, now_s)
        waiter.granted.set_result(None)

    def idle(self, now_s: float) -> bool:
        """Return whether nobody waits for this scope and none of its calls count any more. What it has learned of the
        platform is learned again if it is forgotten.
        """
        bucket = settled(self.meter.bucket, now_s)
        return not (self.waiters or bucket.in_flight or bucket.ended or bucket.paused_until_s > now_s)


class Grant:
    """One call that may be made now; it counts in its scope and in the budget above. `used`: a request has left with
    it.
    """

    def __init__(self, pacer: object, scope: Scope) -> None:
        self.pacer = pacer
        self._scope = scope
        self._counts = True
        self._counts_above = scope.shared is not None
        self.used = False
        self._lost = False

    @property
    def scope(self) -> str:
        """The name of its scope."""
        return self._scope.meter.bucket.budget.scope

    @property
    def is_whole(self) -> bool:
        """Whether the call still counts in every budget."""
        return self._counts and self._counts_above == (self._scope.shared is not None)

    def end(self) -> None:
        """Record that the call has ended, with whatever result. Further calls change nothing."""
        if not self._lost:
            self._end()

    def lose(self) -> None:
        """Record that the call was given up without a response: the platform may still receive it, so it counts a while
        longer.
        """
        if not self._lost:
            self._lost = True
            asyncio.get_running_loop().call_later(_LOST_S, self._end)

    def _end(self) -> None:
        now_s = asyncio.get_running_loop().time()
        self._leave(lambda bucket: finished(bucket, now_s))

    def undo(self) -> None:
        """Record that the call was not made."""
        self._leave(returned)

    def wait_aside(self) -> None:
        """Stop counting in the budget above, because something else comes first that may need a call of it."""
        shared = self._scope.shared
        if shared is not None and self._counts_above and not self.used:
            self._counts_above = False
            shared.meter.bucket = returned(shared.meter.bucket)
            shared.reconsider()

    def _leave(self, change: Callable[[Bucket], Bucket]) -> None:
        shared, meter = self._scope.shared, self._scope.meter
        if shared is not None and self._counts_above:
            shared.meter.bucket = change(shared.meter.bucket)
        if self._counts:
            meter.bucket = change(meter.bucket)
        if self._counts or self._counts_above:
            self._counts = self._counts_above = False
            self._scope.reconsider()
