"""One pacer for the whole bot: every call of every reply asks here first, so that limits are kept and shared fairly.

It has no task: whoever asks, ends a call or is woken by the loop's timer makes the next decision.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import structlog

from bot.events import Budget
from bot.reply.pace import Backlog, Bid, Bucket, Rank, decide, finished, paused, returned, settled, started

log = structlog.get_logger()


@dataclass(slots=True)
class Claim:
    """What one reply asks by. It may change while the reply waits; `Pacer.look` then decides anew."""

    backlog: Backlog
    rank: Rank = Rank.FIRST


@dataclass(slots=True, eq=False)
class _Waiter:
    claim: Claim
    since_s: float
    granted: asyncio.Future[None]


class _Scope:
    """One scope's bucket and whoever waits for it."""

    def __init__(self, budget: Budget) -> None:
        self.bucket = Bucket(budget)
        self.asked: Budget | None = None
        self.learned = False
        self.waiters: list[_Waiter] = []
        self._timer: asyncio.TimerHandle | None = None

    def look(self) -> None:
        """Grant what may go now, and set the timer for the rest."""
        loop = asyncio.get_running_loop()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while True:
            now_s = loop.time()
            self.waiters = [w for w in self.waiters if not w.granted.done()]
            bids = [Bid(w.claim.rank, w.claim.backlog.waited(now_s), w.since_s) for w in self.waiters]
            decision = decide(self.bucket, bids, now_s)
            if decision.go is None:
                break
            self.bucket = started(self.bucket, now_s)
            self.waiters.pop(decision.go).granted.set_result(None)
        if decision.look_s is not None:
            self._timer = loop.call_at(decision.look_s, self.look)

    def idle(self, now_s: float) -> bool:
        bucket = settled(self.bucket, now_s)
        return not (self.waiters or bucket.in_flight or bucket.ended or bucket.paused_until_s > now_s)


class Pacer:
    """Shares each scope's budget out among all who call in it. Belongs to one running event loop."""

    def __init__(self) -> None:
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
            scope.bucket = finished(scope.bucket, asyncio.get_running_loop().time())
            scope.look()

    def look(self, scope: str) -> None:
        """Decide anew in a scope, because a claim in it has changed."""
        if scope in self._scopes:
            self._scopes[scope].look()

    def pause(self, scope: str, seconds: float) -> None:
        """Let nobody call in a scope for so long: the platform said so (Retry-After)."""
        until_s = asyncio.get_running_loop().time() + seconds
        log.info("scope paused", scope=scope, seconds=seconds)
        known = self._scopes.get(scope)
        if known is None:
            known = self._add(Budget(scope, 1, 1.0))
        known.bucket = paused(known.bucket, until_s)
        known.look()

    def learn(self, budget: Budget) -> None:
        """Use newer limits of a scope, until someone who calls brings newer ones still. Raises `ValueError`."""
        _check(budget)
        known = self._scopes.get(budget.scope)
        if known is None:
            known = self._add(budget)
        known.learned = True
        if known.bucket.budget != budget:
            log.debug("limits learned", scope=budget.scope, calls=budget.calls, per_s=budget.per_s)
            known.bucket = replace(known.bucket, budget=budget)
            known.look()

    def _scope(self, budget: Budget) -> _Scope:
        _check(budget)
        known = self._scopes.get(budget.scope)
        if known is None:
            known = self._add(budget)
        if known.asked != budget:
            if known.asked is not None or not known.learned:
                known.bucket = replace(known.bucket, budget=budget)
            known.asked = budget
        return known

    def _add(self, budget: Budget) -> _Scope:
        if len(self._scopes) >= self._tidy_at:
            now_s = asyncio.get_running_loop().time()
            self._scopes = {name: scope for name, scope in self._scopes.items() if not scope.idle(now_s)}
            self._tidy_at = max(256, 2 * len(self._scopes))
        scope = self._scopes[budget.scope] = _Scope(budget)
        return scope

    async def _turn(self, scope: _Scope, claim: Claim) -> None:
        loop = asyncio.get_running_loop()
        waiter = _Waiter(claim, loop.time(), loop.create_future())
        scope.waiters.append(waiter)
        scope.look()
        try:
            await waiter.granted
        except asyncio.CancelledError:
            if waiter.granted.cancelled():
                scope.waiters = [w for w in scope.waiters if w is not waiter]
            else:
                scope.bucket = returned(scope.bucket)
            scope.look()
            raise


def _check(budget: Budget) -> None:
    if budget.calls < 1 or budget.per_s <= 0:
        raise ValueError(f"A budget allows at least one call in some time; {budget} does not: correct the limits.")
