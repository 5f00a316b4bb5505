"""One pacer for the whole bot: every call to a platform asks here first, so that limits are kept and shared fairly.

A reply asks with `Pacer.call`, because it knows how much of its text is unseen. The adapters ask with `Pacer.admit` for
each request as it leaves, whoever makes it. A request that a reply has already asked for leaves at once; all others
wait in the same queue. So exactly the requests that leave are counted.

The pacer has no task: whoever asks, ends a call or is woken by the loop's timer makes the next decision. A decision
examines everyone who waits only when somebody may go.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import replace

import structlog

from bot.events import Budget
from bot.reply.pacing.pace import (
    Backlog,
    CallClaim,
    Rank,
    in_bursts_of,
    paused,
    ready_s,
    refused_burst,
)
from bot.reply.pacing.scopes import Grant, Scope, Shared, Waiter

__all__ = ["CallClaim", "Grant", "Pacer"]

log = structlog.get_logger()

_PREFERS_S = 0.3
"""How long a post waits for the budget that was chosen for it before it takes another one."""
_SLOWEST_S = 1.2
"""The longest time that a call of a shared budget is assumed to take once one was refused: its rate may be unknown,
too.
"""


_held: ContextVar[Grant | None] = ContextVar("held", default=None)
"""The grant that the running task has from `Pacer.call`."""


def wait_aside() -> None:
    """Let others use this task's grant in a shared budget, because the task must wait for something else first."""
    if (held := _held.get()) is not None:
        held.wait_aside()


def give_back() -> None:
    """Let others have the call that this task was granted and will not make."""
    if (held := _held.get()) is not None:
        held.undo()


def granted_scope() -> str:
    """Return the scope in which this task was granted a call; "" if it was not."""
    held = _held.get()
    return held.scope if held is not None else ""


class Pacer:
    """Shares each scope's budget among all who call in it. A pacer belongs to one running event loop.

    `shared`: budgets that several scopes have in common, on top of their own. The one named `discord` is above
    `discord:17:edit` and all other scopes that begin with `discord:`.
    """

    def __init__(self, shared: Sequence[Budget] = ()) -> None:
        for budget in shared:
            _check(budget)
        self._shared = {budget.scope: Shared(budget) for budget in shared}
        self._scopes: dict[str, Scope] = {}
        self._tidy_at = 256

    @asynccontextmanager
    async def call(self, budget: Budget, claim: CallClaim, *, instead: Budget | None = None) -> AsyncIterator[None]:
        """Wait until one call may be made in `budget.scope`; make it inside the block.

        `instead`: another budget to use if that one has no call left at once. Leaving the block ends the call, with
        whatever result. Cancelling the wait lets the next one go.
        """
        grant = await self._granted(budget, claim, instead)
        before = _held.get()
        _held.set(grant)
        try:
            yield
        finally:
            _held.set(before)
            grant.end()

    async def admit(self, budget: Budget, rank: Rank, *, scope: str = "") -> Grant:
        """Wait until one request may leave, and return its grant; the caller must tell the grant when the request has
        ended.

        `scope`: the one in which a reply has asked for this request, if it has; the request then leaves at once. Any
        other request waits in `budget.scope`.
        """
        held = self._held()
        if held is not None and not held.used:
            if held.scope == (scope or budget.scope):
                if held.is_whole:
                    held.used = True
                    return held
                if held.scope == budget.scope:
                    held.undo()  # otherwise it would wait for its own end
                rank = Rank.LAST
            else:
                held.wait_aside()
        return await self._turn(self._scope(budget), CallClaim(Backlog(), rank, asyncio.get_running_loop().time()))

    def wait_s(self, budget: Budget, rank: Rank) -> float:
        """Return the shortest time that a request would have to wait, as far as it is known."""
        held = self._held()
        if held is not None and not held.used and held.scope == budget.scope:
            return 0.0
        now_s = asyncio.get_running_loop().time()
        at_s = ready_s(self._scope(budget).meter.bucket, now_s, rank)
        return max(0.0, at_s - now_s) if at_s < float("inf") else 0.0

    def _held(self) -> "Grant | None":
        held = _held.get()
        return held if held is not None and held.pacer is self else None

    def is_due(self, scope: str) -> bool:
        """Return whether somebody is waiting for a call in a scope."""
        return scope in self._scopes and bool(self._scopes[scope].waiters)

    def refused(self, scope: str, retry_after_s: float) -> int | None:
        """Record that the platform refused the last call that began in a scope. Return how many calls a burst there may
        have, if that was a guess until now. Nobody calls there before `retry_after_s`.

        If nothing was called in the scope before, the budget above it learns instead.
        """
        known, learned = self._scopes[scope], None
        shared = known.shared
        if shared is not None and shared.meter.bucket.budget.guessed and known.meter.bucket.burst <= 1:
            above = shared.meter.bucket
            budget = in_bursts_of(above.budget, refused_burst(above))
            slowest_s = budget.calls * min(retry_after_s, _SLOWEST_S)
            self._learned(shared, replace(budget, per_s=max(budget.per_s, slowest_s)))
            self.pause(budget.scope, retry_after_s)
            return None
        bucket = known.meter.bucket
        if bucket.budget.guessed:
            learned = refused_burst(bucket)
            self._learned(known, in_bursts_of(bucket.budget, learned))
        self.pause(scope, retry_after_s)
        return learned

    def reconsider(self, scope: str) -> None:
        """Decide again in a scope, because a claim in it has changed."""
        if scope in self._scopes:
            self._scopes[scope].reconsider()

    def pause(self, scope: str, seconds: float) -> None:
        """Let nobody call in a scope for this long, as the platform asked (Retry-After)."""
        until_s = asyncio.get_running_loop().time() + seconds
        log.info("scope_paused", scope=scope, seconds=seconds)
        known = self._shared.get(scope) or self._scopes.get(scope) or self._add(Budget(scope, 1, 1.0))
        known.meter.bucket = paused(known.meter.bucket, until_s)
        known.reconsider()

    def learn(self, budget: Budget) -> None:
        """Use newer limits for a scope, until a caller brings newer ones still. Raise `ValueError` for a limit that
        allows no call.
        """
        _check(budget)
        known = self._shared.get(budget.scope) or self._scopes.get(budget.scope) or self._add(budget)
        if known.meter.bucket.budget != budget:
            self._learned(known, budget)
            known.reconsider()
        elif isinstance(known, Scope):
            known.learned = True

    def _learned(self, known: Shared | Scope, budget: Budget) -> None:
        if isinstance(known, Scope):
            known.learned = True
        log.debug("limits_learned", scope=budget.scope, calls=budget.calls, per_s=budget.per_s)
        known.meter.bucket = replace(known.meter.bucket, budget=budget)

    def _scope(self, budget: Budget) -> Scope:
        _check(budget)
        known = self._scopes.get(budget.scope) or self._add(budget)
        if known.asked != budget:
            if known.asked is not None or not known.learned:
                known.meter.bucket = replace(known.meter.bucket, budget=budget)
            known.asked = budget
        return known

    def _add(self, budget: Budget) -> Scope:
        if len(self._scopes) >= self._tidy_at:
            now_s = asyncio.get_running_loop().time()
            self._scopes = {name: scope for name, scope in self._scopes.items() if not scope.idle(now_s)}
            self._tidy_at = max(256, 2 * len(self._scopes))
        above = next((shared for name, shared in self._shared.items() if budget.scope.startswith(f"{name}:")), None)
        scope = self._scopes[budget.scope] = Scope(budget, above)
        return scope

    async def _granted(self, budget: Budget, claim: CallClaim, instead: Budget | None) -> Grant:
        scope = self._scope(budget)
        if instead is None:
            return await self._turn(scope, claim)
        now_s = asyncio.get_running_loop().time()
        if not now_s + _PREFERS_S < ready_s(scope.meter.bucket, now_s, claim.rank) < float("inf"):
            try:
                async with asyncio.timeout(_PREFERS_S) as wait:
                    return await self._turn(scope, claim)
            except TimeoutError:
                if not wait.expired():
                    raise
        return await self._turn(self._scope(instead), claim)

    async def _turn(self, scope: Scope, claim: CallClaim) -> Grant:
        waiter = Waiter(claim, asyncio.get_running_loop().create_future())
        scope.waiters.append(waiter)
        scope.reconsider()
        grant = Grant(self, scope)
        try:
            await waiter.granted
        except asyncio.CancelledError:
            if waiter.granted.cancelled():
                scope.reconsider()
            else:
                grant.undo()
            raise
        return grant


def _check(budget: Budget) -> None:
    if budget.calls < 1 or budget.per_s <= 0:
        raise ValueError(f"A budget allows at least one call in some time; {budget} does not: correct the limits.")
