"""Discord's rate limits, learned from its answers, kept, and raised to the caller instead of slept through.

discord.py 2.7.1 queues calls by itself: the call that uses up a bucket returns only when the next window opens, later
ones stand in line, and a 429 is slept through. An answer's newest text then waits behind its oldest, and a call that
took effect long ago counts as in flight. Here no call waits for its bucket: one too many raises `discord.RateLimited`
at once, and the caller (the pacer, for posts and edits) decides what goes next. The pacer counts every call against the
budget of all; a call that no reply has asked for joins the pacer's line here, ranked by its route.

This is done in aiohttp's trace hooks, which see each request before it is sent and each answer before discord.py does.
(Numbers are not documented and differ by route: Discord docs, topics/rate-limits.)
"""

import asyncio
import json
import math
import re
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Literal, NoReturn

import aiohttp
import discord
import structlog
from yarl import URL

from bot.events import Budget
from bot.platforms.discord import sdk
from bot.platforms.kernel.clock import PlatformClock
from bot.reply.pacing.pace import Rank
from bot.reply.pacing.pacer import Pacer, wait_aside
from bot.telemetry import CallMade, Emit, Outcome, ignore

log = structlog.get_logger()

_USUAL = (5, 5.0)
"""The budget for posts or edits in a channel until an answer states it: what Discord's headers commonly say."""
_ROUTES = {"post": "POST /channels/*/messages", "edit": "PATCH /channels/*/messages/*"}
_EXEMPT = ("/interactions/", "/webhooks/")
ALL_CALLS = 50
"""All of a bot's calls per second, interactions exempt; a very large bot may be given more (Discord docs,
topics/rate-limits).
"""
_SAME_WINDOW_S = 0.1
"""Window ends closer together than this belong to one window, stated twice."""
_BANNED_S = 600.0
_MOST_WINDOWS = 2000

_RANKS = {
    "POST /channels/*/messages": Rank.FIRST,
    "POST /channels/*/messages/*/threads": Rank.FIRST,
    "POST /channels/*/threads": Rank.FIRST,
    "PATCH /channels/*": Rank.FIRST,
    "PATCH /channels/*/messages/*": Rank.MORE,
    "POST /channels/*/typing": Rank.TYPING,
}
"""How urgent calls are that no reply asked for; all others are look-ups. A thread is opened for a first post."""

_Key = tuple[str, str]
"""A bucket: the route with `*` for ids, and the id of the channel or guild that has a bucket of its own."""


def shared_budget(calls_per_s: int) -> Budget:
    """Return the budget of all calls together. Discord does not say where its second begins: any second counts."""
    return Budget("discord", calls_per_s, 1.0)


@dataclass(slots=True)
class _Window:
    """`told`: stated by an answer; else it is what we expect of the next one."""

    calls: int
    per_s: float
    left: int
    ends_at_s: float
    told: bool = True


in_doubt: ContextVar[bool] = ContextVar("in_doubt", default=False)
"""Whether an attempt of the call that is being made was answered by 5xx, or broke off: discord.py repeats it by itself,
and it may have taken effect.
"""


class RateLimits:
    """What is known of one bot's limits. Belongs to one event loop; outlives the clients that use it.

    `clock` receives the time that each answer states. `pacer` has the budget of all calls, `shared_budget`. `emit`
    receives a fact of each call.
    """

    def __init__(self, clock: PlatformClock, pacer: Pacer, calls_per_s: int = ALL_CALLS, emit: Emit = ignore) -> None:
        self._emit = emit
        self._clock = clock
        self._pacer = pacer
        self._unasked = Budget("discord:calls", calls_per_s, 1.0)
        self._windows: dict[_Key, _Window] = {}
        self._usual: dict[str, tuple[int, float]] = {}
        self._asking: dict[_Key, asyncio.Event] = {}
        self._closed_until_s = -math.inf

    def budget(self, place: int, kind: Literal["post", "edit"]) -> Budget:
        """Return a channel's present budget, as its own answers stated it, else as those of other channels did."""
        route = _ROUTES[kind]
        window = self._windows.get((route, str(place)))
        calls, per_s = (window.calls, window.per_s) if window else self._usual.get(route, _USUAL)
        return Budget(f"discord:{place}:{kind}", calls, per_s)

    def trace(self) -> aiohttp.TraceConfig:
        """Return hooks for a client's session.

        They hold a call back until its turn among all. They raise `discord.RateLimited` for one too many, before it is
        sent if that is known.
        """
        hooks = aiohttp.TraceConfig()
        hooks.on_request_start.append(self._begin)
        hooks.on_request_end.append(self._end)
        hooks.on_request_exception.append(self._fail)
        return hooks

    async def _begin(
        self, _: aiohttp.ClientSession, context: SimpleNamespace, request: aiohttp.TraceRequestStartParams
    ) -> None:
        key = context.key = _bucket(request.method, request.url)
        context.grant = None
        context.begun_s = _now_s()
        if key is None:
            return
        while True:
            await self._known(key)
            grant = await self._pacer.admit(self._unasked, _RANKS.get(key[0], Rank.LOOK), scope=_scope(key))
            if key in self._windows or key not in self._asking:
                break
            grant.undo()  # meanwhile another call has begun to learn the limit
        try:
            self._refuse_spent(key)
        except discord.RateLimited:
            grant.undo()
            raise
        context.grant, context.begun_s = grant, _now_s()
        if key in self._windows:
            self._windows[key].left -= 1
        else:
            self._asking[key] = asyncio.Event()

    async def _known(self, key: _Key) -> None:
        """Wait while another call learns the limit. Raise `discord.RateLimited` if no call may be made now."""
        self._refuse_spent(key)
        while key not in self._windows and key in self._asking:
            wait_aside()
            await self._asking[key].wait()
            self._refuse_spent(key)

    async def _end(
        self, _: aiohttp.ClientSession, context: SimpleNamespace, request: aiohttp.TraceRequestEndParams
    ) -> None:
        self._clock.told(request.response.headers.get("Date"))
        if context.grant is not None:
            context.grant.end()
        if context.key is not None:
            self._learn(context.key, request.response.headers)
            self._asked(context.key)
            self._made(context, request.response.status)
        if request.response.status >= 500:
            in_doubt.set(True)
        if request.response.status == 429:
            await self._refused(request.response, context.key)

    async def _fail(
        self, _: aiohttp.ClientSession, context: SimpleNamespace, failure: aiohttp.TraceRequestExceptionParams
    ) -> None:
        if isinstance(failure.exception, (aiohttp.ClientError, OSError)):
            in_doubt.set(True)
        if context.grant is not None:
            is_given_up = isinstance(failure.exception, (asyncio.CancelledError, TimeoutError))
            (context.grant.lose if is_given_up else context.grant.end)()
        if context.key is not None:
            self._asked(context.key)
            self._made(context)

    def _made(self, context: SimpleNamespace, status: int = 0) -> None:
        """Emit the result of a call; `status`: that of its answer, 0 for none."""
        outcome: Outcome = "lost"
        if status:
            outcome = "ok" if status < 400 else "refused" if status == 429 else "rejected"
        self._emit(CallMade("discord", context.key[0], outcome, _now_s() - context.begun_s))

    def _asked(self, key: _Key) -> None:
        if key in self._asking:
            self._asking.pop(key).set()

    def _refuse_spent(self, key: _Key) -> None:
        """Raise `discord.RateLimited` if a call would be refused."""
        now_s = _now_s()
        if now_s < self._closed_until_s:
            raise discord.RateLimited(self._closed_until_s - now_s)
        window = self._windows.get(key)
        if window is None:
            return
        if window.ends_at_s <= now_s:
            window.left, window.ends_at_s, window.told = window.calls, now_s + window.per_s, False
        elif window.left <= 0:
            raise discord.RateLimited(window.ends_at_s - now_s)

    def _learn(self, key: _Key, headers: Mapping[str, str]) -> None:
        try:
            calls = int(headers["X-RateLimit-Limit"])
            left = int(headers["X-RateLimit-Remaining"])
            reset_s = float(headers["X-RateLimit-Reset-After"])
        except (KeyError, ValueError):
            return  # not every answer has them
        if calls < 1 or reset_s <= 0:
            return
        now_s, known = _now_s(), self._windows.get(key)
        ends_at_s = now_s + reset_s
        is_next = known is None or ends_at_s > known.ends_at_s + _SAME_WINDOW_S
        if known is not None and known.told and ends_at_s < known.ends_at_s - known.per_s + _SAME_WINDOW_S:
            return  # a late answer, about an earlier window
        per_s = known.per_s if known else self._usual.get(key[0], _USUAL)[1]
        if left == calls - 1 and (known is None or is_next or not known.told):
            per_s = max(round(reset_s, 1), 0.1)  # the first call of a window shows its length
        if known is not None and not is_next:  # other calls may be on their way
            left = min(left, known.left + calls - known.calls)
        self._windows[key] = _Window(calls, per_s, left, ends_at_s)
        self._usual[key[0]] = (calls, per_s)
        self._tidy(now_s)

    def _tidy(self, now_s: float) -> None:
        if len(self._windows) > _MOST_WINDOWS:
            self._windows = {key: window for key, window in self._windows.items() if window.ends_at_s > now_s}

    async def _refused(self, response: aiohttp.ClientResponse, key: _Key | None) -> NoReturn:
        """Raise `discord.RateLimited` for a 429. A global one, or Cloudflare's (without `Via`), is for all calls."""
        text = await response.text(errors="replace")
        try:
            told: Any = json.loads(text)
            wait_s = float(told["retry_after"])
        except (ValueError, TypeError, KeyError):
            wait_s = _seconds(response.headers.get("Retry-After", ""))
        for_all = response.headers.get("X-RateLimit-Global") == "true"
        if for_all or not response.headers.get("Via"):
            self._closed_until_s = max(self._closed_until_s, _now_s() + wait_s)
        bucket = ":".join(key) if key else ""  # the path of an interaction's call has its token
        log.warning("discord_rate_limited", bucket=bucket, for_all=for_all, wait_s=wait_s)
        raise discord.RateLimited(wait_s)


def _bucket(method: str, url: URL) -> _Key | None:
    """Return the bucket of a call of Discord's API; None for one without, and for the gateway."""
    base = sdk.api_url()
    if (url.scheme, url.host) != (base.scheme, base.host) or not url.path.startswith(base.path):
        return None
    path = "/" + url.path.removeprefix(base.path).lstrip("/")
    if path.startswith(_EXEMPT):
        return None
    major = re.match(r"/(?:channels|guilds)/(\d+)", path)
    return f"{method} {re.sub(r'[0-9]+', '*', path)}", major.group(1) if major else ""


def _scope(key: _Key) -> str:
    """Return the scope in which a reply asks for a call, "" for calls that replies do not make."""
    kind = next((kind for kind, route in _ROUTES.items() if route == key[0]), "")
    return f"discord:{key[1]}:{kind}" if kind else ""


def _seconds(retry_after: str) -> float:
    try:
        return float(retry_after)
    except ValueError:
        return _BANNED_S


def _now_s() -> float:
    return asyncio.get_running_loop().time()
