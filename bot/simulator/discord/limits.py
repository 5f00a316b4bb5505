"""Rate limits, in fixed windows and with Discord's headers (Discord docs, topics/rate-limits).

Discord promises no numbers; these are what is commonly seen: five posts and five edits in five seconds per channel,
a channel renamed twice in ten minutes, fifty calls a second altogether.
"""

import hashlib
import math
import time
from dataclasses import dataclass

_PER_CHANNEL = {
    ("POST", "/channels/{channel}/messages"): (5, 5.0),
    ("PATCH", "/channels/{channel}/messages/{message}"): (5, 5.0),
    ("POST", "/channels/{channel}/typing"): (5, 5.0),
}
_OTHERS = (10, 10.0)
_GLOBAL = (50, 1.0)
_RENAMES = (2, 600.0)


@dataclass(slots=True)
class _Window:
    calls: int
    per_s: float
    ends_at_s: float = 0.0
    used: int = 0

    def take(self, now_s: float) -> float:
        """Use one call up. Return 0.0, or in how many seconds the next window begins if none is left."""
        if now_s >= self.ends_at_s:
            self.ends_at_s, self.used = now_s + self.per_s, 0
        if self.used >= self.calls:
            return self.left_s(now_s)
        self.used += 1
        return 0.0

    def left_s(self, now_s: float) -> float:
        """Return after how many seconds, in whole milliseconds and never too early, the next window begins."""
        return (math.floor((self.ends_at_s - now_s) * 1000) + 1) / 1000


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the limits say to a call: the headers of its answer, and `wait_s` > 0 if it is turned down."""

    headers: dict[str, str]
    wait_s: float = 0.0
    everywhere: bool = False


class Limits:
    """All buckets of one token. A bucket is a route and its channel or guild. `now_s` is any steady clock."""

    def __init__(self) -> None:
        self._windows: dict[tuple[str, str], _Window] = {}
        self._all = _Window(*_GLOBAL)
        self._renames: dict[str, _Window] = {}

    def take(self, method: str, route: str, major: str, now_s: float) -> Verdict:
        """Count a call. `route` is its pattern, `major` the id of its channel or guild, or ""."""
        wait_s = self._all.take(now_s)
        if wait_s:
            return Verdict({**_waiting(wait_s, "global"), "X-RateLimit-Global": "true"}, wait_s, everywhere=True)
        window = self._windows.setdefault((f"{method} {route}", major), _Window(*limit_of(method, route)))
        wait_s = window.take(now_s)
        reset_s = window.left_s(now_s)
        headers = {
            "X-RateLimit-Limit": str(window.calls),
            "X-RateLimit-Remaining": str(window.calls - window.used),
            "X-RateLimit-Reset": f"{time.time() + reset_s:.3f}",
            "X-RateLimit-Reset-After": f"{reset_s:.3f}",
            "X-RateLimit-Bucket": hashlib.md5(f"{method} {route}".encode(), usedforsecurity=False).hexdigest(),
        }
        return Verdict({**headers, **_waiting(wait_s, "user")} if wait_s else headers, wait_s)

    def rename(self, channel: str, now_s: float) -> float:
        """Count the renaming of a channel. Return 0.0, or the seconds to wait if it has been renamed too often."""
        return self._renames.setdefault(channel, _Window(*_RENAMES)).take(now_s)


def limit_of(method: str, route: str) -> tuple[int, float]:
    """Return how many calls in how many seconds a route allows per channel or guild."""
    return _PER_CHANNEL.get((method, route), _OTHERS)


def _waiting(wait_s: float, scope: str) -> dict[str, str]:
    """Return the headers of a 429. `Via` tells it from one of Cloudflare's, which forbids to try again."""
    return {"Retry-After": str(math.ceil(wait_s)), "X-RateLimit-Scope": scope, "Via": "1.1 google"}
