"""One pacer for the whole bot: every call of every reply asks here first, so that limits are kept and shared fairly.

It has no task: whoever asks, ends a call or is woken by the loop's timer makes the next decision. A decision looks at
everyone who waits only when somebody may go.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import structlog

from bot.events import Budget
from bot.reply.pace import (
    Backlog,
    Bucket,
    Claim,
    Rank,
    finished,
    fresher_s,
    paused,
    ready_s,
    returned,
    settled,
    started,
)

__all__ = ["Claim", "Pacer"]

log = structlog.get_logger()


@dataclass(slots=True, eq=False)
class _Waiter:
    claim: Claim
    granted: asyncio.Future[None]


class _Meter:
    """One budget's bucket, which calls `look` when the next call is free."""

    def __init__(self, budget: Budget, look: Callable[[], None]) -> None:
        self.bucket = Bucket(budget)
        self._look = look
        self._timer: asyncio.TimerHandle | None = None

    def free(self, *, urgent: bool, alone: Backlog | None = None) -> bool:
        """Say whether a call may begin now; if not, look again as soon as one may.

        `alone`: the backlog of a reply that is the only one to wait.
        """
        loop = asyncio.get_running_loop()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        now_s = loop.time()
        at_s = ready_s(self.bucket, now_s, urgent=urgent)
        if at_s <= now_s and alone is not None and not urgent:
            at_s = fresher_s(alone, self.bucket.budget, at_s, now_s)
        if now_s < at_s < float("inf"):
            self._timer = loop.call_at(at_s, self._look)
        return at_s <= now_s


class _Shared:
    """A budget above others: of the scopes below it that may call, it lets the most urgent one."""

    def __init__(self, budget: Budget) -> None:
        self.meter = _Meter(budget, self.look)
        self.ready: dict[_Scope, None] = {}  # in the order they came

    def look(self) -> None:
        while self.ready and self.meter.free(urgent=any(scope.urgent for scope in self.ready)):
            now_s = asyncio.get_running_loop().time()
            scope = min(self.ready, key=lambda scope: scope.place(now_s))
            scope.grant(now_s)
            scope.sort_in()


class _Scope:
    """One scope's budget and whoever waits for it, in the order they asked. `shared`: the budget above it."""

    def __init__(self, budget: Budget, shared: _Shared | None) -> None:
        self.meter = _Meter(budget, self.look)
        self.shared = shared
        self.asked: Budget | None = None
        self.learned = False
        self.waiters: list[_Waiter] = []
        self.urgent = False

    def look(self) -> None:
        """Grant what may go now, and see to it that the rest is looked at in time."""
        if self.shared is not None:
            self.sort_in()
            self.shared.look()
            return
        while self._free():
            self.grant(asyncio.get_running_loop().time())

    def sort_in(self) -> None:
        """Stand among those that only wait for the budget above, or not."""
        assert self.shared is not None
        if self._free():
            self.shared.ready[self] = None
        else:
            self.shared.ready.pop(self, None)

    def _free(self) -> bool:
        self.waiters = [waiter for waiter in self.waiters if not waiter.granted.done()]
        self.urgent = any(waiter.claim.rank is not Rank.MORE for waiter in self.waiters)
        alone = self.waiters[0].claim.backlog if len(self.waiters) == 1 else None
        return bool(self.waiters) and self.meter.free(urgent=self.urgent, alone=alone)

    def place(self, now_s: float) -> tuple[Rank, float]:
        """Return the place in the queue of the most urgent who waits."""
        return min(waiter.claim.place(now_s) for waiter in self.waiters)

    def grant(self, now_s: float) -> None:
        """Let the most urgent one call."""
        waiter = min(self.waiters, key=lambda waiter: waiter.claim.place(now_s))
        self.waiters.remove(waiter)
        if waiter.granted.cancelled():  # just now: its task has not run yet
            return
        self.change(lambda bucket: started(bucket, now_s))
        waiter.granted.set_result(None)

    def change(self, change: Callable[[Bucket], Bucket]) -> None:
        """Count a call's begin or end, here and above."""
        self.meter.bucket = change(self.meter.bucket)
        if self.shared is not None:
            self.shared.meter.bucket = change(self.shared.meter.bucket)

    def idle(self, now_s: float) -> bool:
        bucket = settled(self.meter.bucket, now_s)
        return not (self.waiters or bucket.in_flight or bucket.ended or bucket.paused_until_s > now_s)


class Pacer:
    """Shares each scope's budget out among all who call in it. Belongs to one running event loop.

    `shared`: budgets that several scopes have in common, on top of their own: one named `discord` is above
    `discord:17:edit` and all others that begin with `discord:`.
    """

    def __init__(self, shared: Sequence[Budget] = ()) -> None:
        for budget in shared:
            _check(budget)
        self._shared = {budget.scope: _Shared(budget) for budget in shared}
        self._scopes: dict[str, _Scope] = {}
        self._tidy_at = 256

    @asynccontextmanager
    async def call(self, budget: Budget, claim: Claim) -> AsyncIterator[None]:
        """Wait for the turn to make one call in `budget.scope`; make it inside the block.

        Leaving the block ends the call, whatever became of it. Cancelling the wait gives the turn to the next.
        """
        scope = self._scope(budget)
        await self._turn(scope, claim)
        try:
            yield
        finally:
            now_s = asyncio.get_running_loop().time()
            scope.change(lambda bucket: finished(bucket, now_s))
            scope.look()

    def look(self, scope: str) -> None:
        """Decide anew in a scope, because a claim in it has changed."""
        if scope in self._scopes:
            self._scopes[scope].look()

    def pause(self, scope: str, seconds: float) -> None:
        """Let nobody call in a scope for so long: the platform said so (Retry-After)."""
        until_s = asyncio.get_running_loop().time() + seconds
        log.info("scope paused", scope=scope, seconds=seconds)
        known = self._shared.get(scope) or self._scopes.get(scope) or self._add(Budget(scope, 1, 1.0))
        known.meter.bucket = paused(known.meter.bucket, until_s)
        known.look()

    def learn(self, budget: Budget) -> None:
        """Use newer limits of a scope, until someone who calls brings newer ones still. Raises `ValueError`."""
        _check(budget)
        known = self._shared.get(budget.scope) or self._scopes.get(budget.scope) or self._add(budget)
        if isinstance(known, _Scope):
            known.learned = True
        if known.meter.bucket.budget != budget:
            log.debug("limits learned", scope=budget.scope, calls=budget.calls, per_s=budget.per_s)
            known.meter.bucket = replace(known.meter.bucket, budget=budget)
            known.look()

    def _scope(self, budget: Budget) -> _Scope:
        _check(budget)
        known = self._scopes.get(budget.scope) or self._add(budget)
        if known.asked != budget:
            if known.asked is not None or not known.learned:
                known.meter.bucket = replace(known.meter.bucket, budget=budget)
            known.asked = budget
        return known

    def _add(self, budget: Budget) -> _Scope:
        if len(self._scopes) >= self._tidy_at:
            now_s = asyncio.get_running_loop().time()
            self._scopes = {name: scope for name, scope in self._scopes.items() if not scope.idle(now_s)}
            self._tidy_at = max(256, 2 * len(self._scopes))
        above = next((shared for name, shared in self._shared.items() if budget.scope.startswith(f"{name}:")), None)
        scope = self._scopes[budget.scope] = _Scope(budget, above)
        return scope

    async def _turn(self, scope: _Scope, claim: Claim) -> None:
        waiter = _Waiter(claim, asyncio.get_running_loop().create_future())
        scope.waiters.append(waiter)
        scope.look()
        try:
            await waiter.granted
        except asyncio.CancelledError:
            if not waiter.granted.cancelled():
                scope.change(returned)
            scope.look()
            raise


def _check(budget: Budget) -> None:
    if budget.calls < 1 or budget.per_s <= 0:
        raise ValueError(f"A budget allows at least one call in some time; {budget} does not: correct the limits.")
