"""Slack's rate limits: per method, per workspace, per app, as sliding windows.

Slack docs, apis/web-api/rate-limits: tiers of 20+, 50+ and 100+ calls a minute, and about one `chat.postMessage` a
second per channel, short bursts tolerated. A sliding window that allows the stated number is the strictest reading of
that. How many calls may come at once Slack does not say; fewer than the stated number are taken if a burst is set.
"""

import math
from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tier:
    """At most `calls` in any `per_s` seconds. `per_channel`: counted for each channel apart."""

    calls: int
    per_s: float = 60.0
    per_channel: bool = False


T1, T2, T3, T4 = Tier(1), Tier(20), Tier(50), Tier(100)
POST = Tier(5, 5.0, per_channel=True)
"""One a second per channel, and five of them at once after a pause."""


class Limits:
    """Counts calls and finds the one that is too many. `now_s` is any monotonic clock. `enabled`: or nothing is."""

    def __init__(self, *, enabled: bool = True) -> None:
        self._enabled = enabled
        self._taken: dict[tuple[str, str], deque[float]] = {}
        self._levels: dict[tuple[str, str], tuple[float, float]] = {}
        self._bursts: dict[str, int] = {}

    def set_burst(self, method: str, calls: int) -> None:
        """Let a method take only so many calls at once, at its tier's rate in the long run. `calls` is 1 or more."""
        self._bursts[method] = calls

    def switch_off(self) -> None:
        """Allow every call from now on."""
        self._enabled = False

    def clear(self) -> None:
        """Forget all calls, as if every window were over."""
        self._taken.clear()
        self._levels.clear()

    def take(self, method: str, tier: Tier, channel: str, now_s: float) -> int:
        """Count a call. Return 0 if it is allowed, else the whole seconds after which it would be (`Retry-After`)."""
        if not self._enabled:
            return 0
        key = method, channel if tier.per_channel else ""
        taken = self._taken.setdefault(key, deque())
        while taken and taken[0] <= now_s - tier.per_s:
            taken.popleft()
        if len(taken) >= tier.calls:
            return max(1, math.ceil(taken[0] + tier.per_s - now_s))
        call_s, burst = tier.per_s / tier.calls, self._bursts.get(method, tier.calls)
        level, at_s = self._levels.get(key, (0.0, now_s))
        level = max(0.0, level - (now_s - at_s) / call_s) + 1
        if level > burst + 1e-6:
            return max(1, math.ceil((level - burst) * call_s))
        taken.append(now_s)
        self._levels[key] = level, now_s
        return 0
