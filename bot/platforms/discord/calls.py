"""The one way to make a REST call to Discord: with the client that is logged in now, in bounded time, with our errors.

discord.py 2.7.1 repeats 500, 502, 504 and 524 up to four times with the same nonce, and hands on 503 and a lost
connection. Its handling of rate limits is replaced: see `limits`.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import aiohttp
import discord
import structlog

from bot.errors import Forbidden, Gone, PlatformError, RateLimited, Rejected, Unreachable
from bot.platforms.discord.limits import ALL_CALLS, RateLimits, in_doubt
from bot.platforms.kernel.clock import PlatformClock
from bot.platforms.kernel.gate import ClientGate
from bot.platforms.kernel.shape import MISREAD, misread
from bot.reply.pacing.pacer import Pacer, wait_aside
from bot.telemetry import Emit, ignore

log = structlog.get_logger()

T = TypeVar("T")

CALL_S = 20.0
"""Longer than a wait for the next five-second window, shorter than a reader's patience with an answer that stands."""
_TYPING_S = 7.0
"""A typing mark lasts ten seconds (Discord docs, resources/channel); it is made anew before that."""
_CLOSED = frozenset({50083, 160005})
"""An archived thread, a locked thread."""


class Calls:
    """Calls through the client in use, which may be another one after a reconnect.

    `limits`: what it may do. `clock`: Discord's. `pacer`: paces all calls. A call made before the login or between
    two clients waits up to `gate.WAIT_S` for the next one.
    """

    def __init__(self, pacer: Pacer, calls_per_s: int = ALL_CALLS, emit: Emit = ignore) -> None:
        self.clock = PlatformClock()
        self.pacer = pacer
        self.limits = RateLimits(self.clock, self.pacer, calls_per_s, emit)
        self.typing: dict[int, tuple[str, float]] = {}
        """For which question the bot's typing mark stands in a channel, and until when (the loop's clock)."""
        self.threadless: dict[int, float] = {}
        """Channels in which no thread may be opened, and until when that is believed (the loop's clock)."""
        self.crowded: dict[int, float] = {}
        """Until when no more threads can be opened in a channel, for so many were (the loop's clock)."""
        self._gate = ClientGate[discord.Client](_unreachable)

    def use(self, client: discord.Client | None) -> None:
        """Make calls through this client from now on; None: there is no client at the moment."""
        if client is None:
            self._gate.close()
        else:
            self._gate.open(client)

    async def call(
        self, make: Callable[[discord.Client], Awaitable[T]], *, patient: bool = False, within_s: float = CALL_S
    ) -> T:
        """Return what `make` returns for the present client. Raise only `PlatformError`s.

        If it raises `Unreachable`, or is cancelled, the call may or may not have taken effect; after `RateLimited` it
        has not. `patient`, for calls that no pacer paces: wait for a rate limit that ends in time, then call `make`
        again.
        """
        client = await self.client()
        in_doubt.set(False)
        try:
            return await within(within_s, lambda: make(client), patient=patient)
        except discord.RateLimited as error:
            if in_doubt.get():  # its last attempt was refused, but an earlier one may have taken effect
                raise _unreachable(str(error)) from error
            raise platform_error(error) from error
        except (discord.DiscordException, aiohttp.ClientError, OSError, TimeoutError) as error:
            raise platform_error(error) from error
        except RuntimeError as error:
            if not client.is_closed():
                raise
            raise _unreachable("the client was closed") from error  # aiohttp: "Session is closed"
        except json.JSONDecodeError as error:
            raise _unreachable("an answer that is no JSON") from error
        except MISREAD as error:
            misread("discord_answer_unreadable", {}, error)
            raise _unreadable(type(error).__name__) from error

    def may_type(self, place: int, question: str) -> bool:
        """Return whether a channel wants a typing indicator: no other question has one there, and no post is due.

        If so, count one as shown, for some seconds or until the bot posts.
        """
        now_s = asyncio.get_running_loop().time()
        self.typing = {there: mark for there, mark in self.typing.items() if mark[1] > now_s}
        if self.typing.get(place, (question,))[0] != question:
            return False
        if self.pacer.is_due(self.limits.budget(place, "post").scope):
            return False
        self.typing[place] = question, now_s + _TYPING_S
        return True

    async def client(self) -> discord.Client:
        """Return the client that is logged in. Raise `Unreachable` if none appears for a while."""
        return await self._gate.client()


@contextmanager
def readable(what: str) -> Iterator[None]:
    """Read Discord's answer. Raise `PlatformError` if it does not have its documented shape."""
    try:
        yield
    except MISREAD as error:
        misread("discord_answer_unreadable", {}, error, what=what)
        raise _unreadable(what) from error


async def within(seconds: float, make: Callable[[], Awaitable[T]], *, patient: bool = True) -> T:
    """Return what `make` returns within so many seconds; if `patient`, call it again after each rate limit.

    Raise `TimeoutError`, and `discord.RateLimited` for a limit that lasts longer.
    """
    clock = asyncio.get_running_loop().time
    until_s = clock() + seconds
    async with asyncio.timeout_at(until_s):
        while True:
            try:
                return await make()
            except discord.RateLimited as error:
                if not patient or clock() + error.retry_after >= until_s:
                    raise
                wait_aside()
                await asyncio.sleep(error.retry_after)


def platform_error(error: Exception) -> PlatformError:
    """Return our error for one of discord.py's or aiohttp's (codes: Discord docs, topics/opcodes-and-status-codes)."""
    detail = f"{type(error).__name__}: {error}"
    if isinstance(error, discord.RateLimited):
        return RateLimited("Discord asks the bot to slow down.", detail, retry_after_s=error.retry_after)
    if not isinstance(error, discord.HTTPException) or error.status >= 500:
        return _unreachable(detail)
    if error.status == 404 and error.code:  # without a code, the 404 is not Discord's own
        return Gone("The message or its channel on Discord is no longer there.", detail)
    if error.status in {401, 403} or error.code in _CLOSED:
        return Forbidden("Discord does not allow the bot to do this here.", detail)
    return Rejected("Discord did not accept what the bot sent.", detail)


def _unreadable(detail: str) -> PlatformError:
    return PlatformError("What Discord answered cannot be read.", detail)


def _unreachable(detail: str) -> Unreachable:
    return Unreachable("Discord cannot be reached at the moment.", detail)
