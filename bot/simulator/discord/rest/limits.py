"""Rate limits, in fixed windows and with Discord's headers (Discord docs, topics/rate-limits).

Discord promises no numbers; these are what is commonly seen: five posts and five edits in five seconds per channel,
fifty threads opened in five minutes in a channel, a channel renamed twice in ten minutes, five follow-ups of an
interaction in two seconds, fifty calls a second altogether. An interaction's own routes are not counted among the
fifty, and its callback is not limited at all.
"""

import asyncio
import hashlib
import math
import re
import time
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

Scope = Literal["global", "shared", "user", "cloudflare"]

CALLBACK = "/interactions/{interaction}/{token}/callback"
WEBHOOK = "/webhooks/{application}/{token}"

_PER_CHANNEL = {
    ("POST", "/channels/{channel}/messages"): (5, 5.0),
    ("PATCH", "/channels/{channel}/messages/{message}"): (5, 5.0),
    ("POST", "/channels/{channel}/messages/{message}/threads"): (50, 300.0),
    ("POST", "/channels/{channel}/typing"): (5, 5.0),
}
_FOLLOW_UPS = (5, 2.0)
_OTHERS = (10, 10.0)
_GLOBAL = (50, 1.0)
_RENAMES = (2, 600.0)
_MAJOR = re.compile(r"\{(?:channel|guild|token)\}")


@dataclass(slots=True)
class _Window:
    calls: int
    per_s: float
    began_at_s: float = -math.inf
    used: int = 0

    @property
    def ends_at_s(self) -> float:
        return self.began_at_s + self.per_s

    def take(self, now_s: float) -> float:
        """Use one call up. Return 0.0, or in how many seconds the next window begins if none is left."""
        if now_s >= self.ends_at_s:
            self.began_at_s, self.used = now_s, 0
        if self.used >= self.calls:
            return _left_s(self.ends_at_s, now_s)
        self.used += 1
        return 0.0

    def use_up(self, until_s: float) -> None:
        """Leave no call until then."""
        self.began_at_s, self.used = until_s - self.per_s, self.calls


@dataclass(frozen=True, slots=True)
class _Rule:
    """What `set` asked for: the limit of the buckets whose calls match."""

    call: str
    calls: int
    per_s: float


@dataclass(frozen=True, slots=True)
class _Block:
    """What `block` asked for: matching calls are turned down until then."""

    scope: Scope
    call: str
    until_s: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the limits say to a call: the headers of its answer, and `wait_s` > 0 if `scope` turns it down."""

    headers: dict[str, str]
    wait_s: float = 0.0
    scope: Scope = "user"


class Limits:
    """All buckets of one token. A bucket is a route and its channel, guild or interaction. `now_s` is any steady clock.

    A call is named `METHOD /path`, the path as far as its bucket goes: the id of the channel or guild, and names for
    the rest, as in `PATCH /channels/123/messages/{message}`. `set` and `block` take shell patterns of that.
    """

    def __init__(self, *, enabled: bool = True) -> None:
        self._enabled = enabled
        self._windows: dict[str, _Window] = {}
        self._all = _Window(*_GLOBAL)
        self._renames: dict[str, _Window] = {}
        self._rules: list[_Rule] = []
        self._blocks: list[_Block] = []

    def switch_off(self) -> None:
        """Allow every call from now on."""
        self._enabled = False

    def set(self, call: str, calls: int, per_s: float) -> None:
        """Allow `calls` in `per_s` seconds to each bucket whose calls match, from now on; what was used stays used.

        A later rule goes before an earlier one. Raise `ValueError` for a limit that allows nothing.
        """
        if calls < 1 or per_s <= 0:
            raise ValueError("a limit allows at least one call in a time above 0 s: block() stops calls altogether")
        self._rules.insert(0, _Rule(call, calls, per_s))
        for name, window in self._windows.items():
            if fnmatchcase(name, call):
                window.calls, window.per_s = calls, per_s

    def block(self, for_s: float, *, scope: Scope = "global", call: str = "*") -> None:
        """Answer calls with 429 for so many seconds; inside an event loop.

        `global`: every call but an interaction's. `shared`, `user`: the calls that match. `cloudflare`: everything,
        with Cloudflare's page (error 1015) in place of JSON and without `Via`.
        """
        self._blocks.append(_Block(scope, call, _now_s() + for_s))

    def ban(self, now_s: float) -> Verdict | None:
        """Return Cloudflare's refusal while it lasts: it comes before any token is looked at."""
        until_s = max((one.until_s for one in self._blocks if one.scope == "cloudflare"), default=now_s)
        wait_s = _left_s(until_s, now_s)
        return Verdict({"Retry-After": str(math.ceil(wait_s))}, wait_s, "cloudflare") if until_s > now_s else None

    def take(self, method: str, route: str, major: str, now_s: float) -> Verdict:
        """Count a call. `route` is its pattern, `major` what stands for its channel, guild or token, or ""."""
        name = f"{method} {_MAJOR.sub(lambda _: major, route)}"
        blocked = self._blocked(name, route, now_s)
        if blocked is not None:
            return self._turned_down(blocked, name, method, route, now_s)
        if not self._enabled or route == CALLBACK:
            return Verdict({})
        wait_s = 0.0 if is_interaction(route) else self._all.take(now_s)
        if wait_s:
            return Verdict(_waiting(wait_s, "global"), wait_s, "global")
        window = self._window(name, method, route)
        wait_s = window.take(now_s)
        headers = _headers(window, method, route, now_s)
        return Verdict({**headers, **_waiting(wait_s, "user")} if wait_s else headers, wait_s)

    def rename(self, channel: str, now_s: float) -> float:
        """Count the renaming of a channel. Return 0.0, or the seconds to wait if it has been renamed too often."""
        return self._renames.setdefault(channel, _Window(*_RENAMES)).take(now_s) if self._enabled else 0.0

    def _window(self, name: str, method: str, route: str) -> _Window:
        if name not in self._windows:
            rule = next((one for one in self._rules if fnmatchcase(name, one.call)), None)
            self._windows[name] = _Window(*((rule.calls, rule.per_s) if rule else limit_of(method, route)))
        return self._windows[name]

    def _blocked(self, name: str, route: str, now_s: float) -> _Block | None:
        self._blocks = [one for one in self._blocks if one.until_s > now_s]
        for one in self._blocks:
            if one.scope == "global" and not is_interaction(route):
                return one
            if one.scope in ("shared", "user") and fnmatchcase(name, one.call):
                return one
        return None

    def _turned_down(self, block: _Block, name: str, method: str, route: str, now_s: float) -> Verdict:
        wait_s = _left_s(block.until_s, now_s)
        headers = _waiting(wait_s, block.scope)
        if self._enabled and block.scope in ("shared", "user"):
            window = self._window(name, method, route)
            window.take(now_s)
            if block.scope == "user":  # the bucket itself is used up; a shared limit is none of the bucket's
                window.use_up(block.until_s)
            headers = {**_headers(window, method, route, now_s), **headers}
        return Verdict(headers, wait_s, block.scope)


def limit_of(method: str, route: str) -> tuple[int, float]:
    """Return how many calls in how many seconds a route allows per channel, guild or interaction at first."""
    return _FOLLOW_UPS if is_interaction(route) else _PER_CHANNEL.get((method, route), _OTHERS)


def is_interaction(route: str) -> bool:
    """Return whether a route belongs to an interaction: it needs no other token, and the global limit leaves it out."""
    return route == CALLBACK or route.startswith(WEBHOOK)


def _headers(window: _Window, method: str, route: str, now_s: float) -> dict[str, str]:
    reset_s = _left_s(window.ends_at_s, now_s)
    return {
        "X-RateLimit-Limit": str(window.calls),
        "X-RateLimit-Remaining": str(max(0, window.calls - window.used)),
        "X-RateLimit-Reset": f"{time.time() + reset_s:.3f}",
        "X-RateLimit-Reset-After": f"{reset_s:.3f}",
        "X-RateLimit-Bucket": hashlib.md5(f"{method} {route}".encode(), usedforsecurity=False).hexdigest(),
    }


def _waiting(wait_s: float, scope: Scope) -> dict[str, str]:
    """Return the headers of a 429. `Via` tells it from one of Cloudflare's, which forbids to try again."""
    everywhere = {"X-RateLimit-Global": "true"} if scope == "global" else {}
    return {"Retry-After": str(math.ceil(wait_s)), "X-RateLimit-Scope": scope, "Via": "1.1 google", **everywhere}


def _left_s(until_s: float, now_s: float) -> float:
    """Return the seconds left, in whole milliseconds and never too few."""
    return (math.floor((until_s - now_s) * 1000) + 1) / 1000


def _now_s() -> float:
    return asyncio.get_running_loop().time()
