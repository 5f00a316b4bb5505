"""Who may call next, and when: the pacer's decision as functions on values, without a clock and without I/O.

A budget of `calls` in `per_s` seconds is a sliding window here. That is stricter than the platforms' fixed windows and
leaky buckets, so it fits them all. Within the window calls are spread, because equal gaps give the least mean lag: a
burst is paid for with a stall once the window is full. In a large budget, steady spacing leaves a twentieth unused: the
credit that shortens the gaps after a quiet time, and the room for a reply that begins or ends.

How many calls a platform accepts in one burst may be unknown (`Budget.guessed`). A burst longer than all before it then
goes call by call: it is refused at most once, and its length is known from then on.
"""

import math
from dataclasses import dataclass, replace
from enum import IntEnum

from bot.events import Budget

_SLACK = 1.05
"""Steady calls in a large budget are this much further apart than the budget demands."""
_MANY_CALLS = 10
"""Budgets of at least this many calls have slack and reserve one call for urgent ones. In a smaller budget, either
would cost every reader more lag than it saves at the end, and the even gaps themselves free one call each.
"""
_MARGIN_S = 0.01
"""A call counts this much longer than the budget says, because clocks are rounded on both sides."""

_PATIENCE = 0.06
"""The part of a steady gap for which a call waits for text that is about to arrive."""


class Rank(IntEnum):
    """How urgent a call is; the smaller goes first."""

    LAST = 0
    """It completes an answer."""
    FIRST = 1
    """The first sign of an answer."""
    MORE = 2
    """More text of an answer that is visible already."""
    LOOK = 3
    """Something is read or deleted: nobody sees it, but an answer may be waiting for it."""
    TYPING = 4
    """A sign that an answer is on its way."""


_KEPT = {Rank.LOOK: 5, Rank.TYPING: 2}
"""A fifth of a large budget is closed to look-ups, and half of it to typing: they come in bursts, and what is due a
moment later must not wait for them.
"""
_LOOK_WAITS_S = 1.0
"""A look-up that has waited this long is as urgent as a first post: an answer may be waiting for it."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """The calls made in one scope. `ended`: when the calls that still count ended, oldest first. All times are in
    seconds of one clock. `credit`: how many calls may come sooner than the steady gap; below zero after urgent calls.
    `burst`: how many calls the burst up to the last call has; it falls at the budget's rate. `proven`: the longest
    burst that was accepted.
    """

    budget: Budget
    ended: tuple[float, ...] = ()
    in_flight: int = 0
    last_s: float = float("-inf")
    credit: float = 0.0
    paused_until_s: float = float("-inf")
    burst: float = 0.0
    proven: float = 1.0


def steady_gap_s(budget: Budget) -> float:
    """Return the time between two calls that can be kept up indefinitely."""
    return budget.per_s / budget.calls * _slack(budget)


def _slack(budget: Budget) -> float:
    return _SLACK if budget.calls >= _MANY_CALLS else 1.0


def _most_credit(budget: Budget) -> float:
    return budget.calls * (1 - 1 / _slack(budget))


def _gap_s(bucket: Bucket) -> float:
    steady = steady_gap_s(bucket.budget)
    return steady / (1 + bucket.credit) if bucket.credit >= 0 else steady * (1 - bucket.credit)


def settled(bucket: Bucket, now_s: float) -> Bucket:
    """Return the bucket without the calls that no longer count."""
    horizon = now_s - bucket.budget.per_s - _MARGIN_S
    if not bucket.ended or bucket.ended[0] > horizon:
        return bucket
    return replace(bucket, ended=tuple(t for t in bucket.ended if t > horizon))


def started(bucket: Bucket, now_s: float) -> Bucket:
    """Return the bucket after a call began."""
    most = _most_credit(bucket.budget)
    earned = (now_s - bucket.last_s) / steady_gap_s(bucket.budget)
    credit = max(min(bucket.credit + earned, most + 1) - 1, -float(bucket.budget.calls))
    burst = _burst(bucket, now_s) + 1
    return replace(bucket, in_flight=bucket.in_flight + 1, last_s=now_s, credit=min(credit, most), burst=burst)


def _burst(bucket: Bucket, now_s: float) -> float:
    return max(0.0, bucket.burst - (now_s - bucket.last_s) * bucket.budget.calls / bucket.budget.per_s)


def finished(bucket: Bucket, now_s: float) -> Bucket:
    """Return the bucket after a call ended. The call counts from its end, because the platform may have received it
    that late.
    """
    bucket = settled(bucket, now_s)
    proven = max(bucket.proven, bucket.burst)
    return replace(bucket, in_flight=bucket.in_flight - 1, ended=(*bucket.ended, now_s), proven=proven)


def returned(bucket: Bucket) -> Bucket:
    """Return the bucket after a granted call was not made."""
    credit = min(bucket.credit + 1, _most_credit(bucket.budget))
    burst = max(0.0, bucket.burst - 1)
    return replace(bucket, in_flight=bucket.in_flight - 1, credit=credit, burst=burst)


def refused_burst(bucket: Bucket) -> int:
    """Return how many calls a burst may have, now that the platform has refused the last one."""
    return max(1, min(bucket.budget.calls, math.ceil(bucket.burst) - 1))


def in_bursts_of(budget: Budget, calls: int) -> Budget:
    """Return a budget of the same rate with bursts of `calls` calls: whatever fits it fits a leaky bucket of that
    size.
    """
    calls = min(budget.calls, calls)
    return replace(budget, calls=calls, per_s=calls * budget.per_s / budget.calls, guessed=False)


def paused(bucket: Bucket, until_s: float) -> Bucket:
    """Return the bucket, closed until a time; a longer pause stays in force."""
    return replace(bucket, paused_until_s=max(bucket.paused_until_s, until_s))


def ready_s(bucket: Bucket, now_s: float, rank: Rank) -> float:
    """Return the time from which the next call may begin, past or future; infinity if only after a call has ended. Only
    more text of what is already visible keeps the gap.
    """
    at_s = bucket.paused_until_s
    if rank is Rank.MORE:
        at_s = max(at_s, bucket.last_s + _gap_s(bucket))
    if bucket.budget.guessed and bucket.in_flight and _burst(bucket, now_s) + 1 > bucket.proven:
        return float("inf")
    kept = _kept(bucket.budget, rank)
    bucket = settled(bucket, now_s)
    excess = bucket.in_flight + len(bucket.ended) + kept + 1 - bucket.budget.calls
    if excess > len(bucket.ended):
        return float("inf")
    return max(at_s, bucket.ended[excess - 1] + bucket.budget.per_s + _MARGIN_S) if excess > 0 else at_s


def _kept(budget: Budget, rank: Rank) -> int:
    """Return how many calls of a window are closed to this rank."""
    if rank <= Rank.FIRST or budget.calls < _MANY_CALLS:
        return 0
    return 1 if rank is Rank.MORE else budget.calls // _KEPT[rank]


@dataclass(slots=True)
class Backlog:
    """What was written but not yet seen: `size` characters, and `area` character-seconds of waiting up to `at_s`.

    `every_s`: the time between the last two pieces of text.
    """

    size: int = 0
    area: float = 0.0
    at_s: float = 0.0
    every_s: float = 0.0

    def wrote(self, size: int, now_s: float) -> None:
        """Count `size` more characters."""
        self.every_s = now_s - self.at_s
        self.area, self.at_s, self.size = self.waited(now_s), now_s, self.size + size

    def waited(self, now_s: float) -> float:
        """Return the character-seconds up to now."""
        return self.area + self.size * (now_s - self.at_s) if self.size else self.area

    def take(self, now_s: float) -> "Backlog":
        """Empty the backlog, because what it counts is on its way, and return that part for `put_back`."""
        taken = Backlog(self.size, self.waited(now_s), now_s)
        self.size, self.area = 0, 0.0
        return taken

    def put_back(self, taken: "Backlog", now_s: float) -> None:
        """Count again what was not delivered."""
        self.area = self.waited(now_s) + taken.waited(now_s)
        self.size, self.at_s = self.size + taken.size, now_s


def fresher_s(backlog: Backlog, budget: Budget, since_s: float, now_s: float) -> float:
    """Return when to call for a reply with nobody else waiting, which may call since `since_s`: at that time, or just
    after its next piece of text if that is about to arrive. A call just before a piece would show text that is older by
    a piece.
    """
    piece_s = backlog.at_s + backlog.every_s + _MARGIN_S
    return piece_s if now_s < piece_s <= since_s + _PATIENCE * steady_gap_s(budget) else since_s


@dataclass(slots=True)
class CallClaim:
    """The urgency that one reply asks with. It may change while the reply waits; `Pacer.reconsider` then decides again.
    `since_s`: when a look-up was requested.
    """

    backlog: Backlog
    rank: Rank = Rank.FIRST
    since_s: float = float("inf")

    def rank_at(self, now_s: float) -> Rank:
        """Return how urgent the claim is by now."""
        return Rank.FIRST if self.rank is Rank.LOOK and now_s - self.since_s >= _LOOK_WAITS_S else self.rank

    def place(self, now_s: float) -> tuple[Rank, float]:
        """Return the claim's place in the queue, smallest first: last edits, first posts, the most unseen text, then
        look-ups and typing.
        """
        return self.rank_at(now_s), -self.backlog.waited(now_s)
