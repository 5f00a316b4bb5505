"""One pacer for the whole bot: every call to a platform asks here first, so that limits are kept and shared fairly.

A reply asks with `Pacer.call`, because it knows how much of its text is unseen. The adapters ask with `Pacer.admit` for
each request as it leaves, whoever makes it. A request that a reply has already asked for leaves at once; all others
wait in the same queue. So exactly the requests that leave are counted.

The pacer has no task: whoever asks, ends a call or is woken by the loop's timer makes the next decision. A decision
examines everyone who waits only when somebody may go.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace

import structlog

from bot.events import Budget
from bot.reply.pacing.pace import (
    Backlog,
    Bucket,
    CallClaim,
    Rank,
    finished,
    fresher_s,
    in_bursts_of,
    paused,
    ready_s,
    refused_burst,
    returned,
    settled,
    started,
)

__all__ = ["CallClaim", "Grant", "Pacer"]

log = structlog.get_logger()

_PREFERS_S = 0.3
"""How long a post waits for the budget that was chosen for it before it takes another one."""
_LOST_S = 3.0
"""How long a request that nobody waits for any more may still be on its way."""
_SLOWEST_S = 1.2
"""The longest time that a call of a shared budget is assumed to take once one was refused: its rate may be unknown,
too.
"""


@dataclass(slots=True, eq=False)
class _Waiter:
    claim: CallClaim
    granted: asyncio.Future[None]


class _Meter:
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


class _Shared:
    """A budget above others: among the scopes below it that may call, the most urgent one goes first."""

    def __init__(self, budget: Budget) -> None:
        self.meter = _Meter(budget, self.reconsider)
        self.ready: dict[_Scope, None] = {}  # in the order they came

    def reconsider(self) -> None:
        while self.ready and self.meter.free(min(scope.rank for scope in self.ready)):
            now_s = asyncio.get_running_loop().time()
            scope = min(self.ready, key=lambda scope: scope.place(now_s))
            scope.grant(now_s)
            scope.sort_in()


class _Scope:
    """One scope's budget and those who wait for it, in the order they asked. `shared`: the budget above it."""

    def __init__(self, budget: Budget, shared: _Shared | None) -> None:
        self.meter = _Meter(budget, self.reconsider)
        self.shared = shared
        self.asked: Budget | None = None
        self.learned = False
        self.waiters: list[_Waiter] = []
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
        bucket = settled(self.meter.bucket, now_s)
        return not (self.waiters or bucket.in_flight or bucket.ended or bucket.paused_until_s > now_s)


class Grant:
    """One call that may be made now; it counts in its scope and in the budget above. `used`: a request has left with
    it.
    """

    def __init__(self, pacer: "Pacer", scope: _Scope) -> None:
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
        self._shared = {budget.scope: _Shared(budget) for budget in shared}
        self._scopes: dict[str, _Scope] = {}
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
        log.info("scope paused", scope=scope, seconds=seconds)
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
        elif isinstance(known, _Scope):
            known.learned = True

    def _learned(self, known: _Shared | _Scope, budget: Budget) -> None:
        if isinstance(known, _Scope):
            known.learned = True
        log.debug("limits learned", scope=budget.scope, calls=budget.calls, per_s=budget.per_s)
        known.meter.bucket = replace(known.meter.bucket, budget=budget)

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

    async def _turn(self, scope: _Scope, claim: CallClaim) -> Grant:
        waiter = _Waiter(claim, asyncio.get_running_loop().create_future())
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
