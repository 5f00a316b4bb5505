"""The one way to make a REST call to Discord: with the client that is logged in now, in bounded time, with our errors.

discord.py 2.7.1 waits by itself for rate limits and repeats 500, 502, 504 and 524 up to four times with the same nonce;
503 and a lost connection it hands on.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import aiohttp
import discord
import structlog

from bot.errors import Forbidden, Gone, PlatformError, RateLimited, Unreachable

log = structlog.get_logger()

T = TypeVar("T")

_LOGIN_WAIT_S = 30.0
_CALL_S = 20.0
"""Longer than a wait for the next five-second window, shorter than a reader's patience with an answer that stands."""
_BANNED_S = 600.0
_CLOSED = frozenset({50083, 160005})
"""An archived thread, a locked thread."""


class Calls:
    """The client in use, which may be another one after a reconnect, and calls through it.

    A call made before the login or between two clients waits up to `_LOGIN_WAIT_S` for the next one.
    """

    def __init__(self) -> None:
        self._client: discord.Client | None = None
        self._there = asyncio.Event()

    def use(self, client: discord.Client | None) -> None:
        """Make calls through this client from now on; None: there is none at the moment."""
        self._client = client
        if client is None:
            self._there.clear()
        else:
            self._there.set()

    async def call(self, make: Callable[[discord.Client], Awaitable[T]]) -> T:
        """Return what `make` returns for the present client. Raises only `PlatformError`s.

        If it raises `Unreachable`, or is cancelled, the call may or may not have taken effect.
        """
        client = await self.client()
        try:
            async with asyncio.timeout(_CALL_S):
                return await _heal_on_cancel(client, make(client))
        except (discord.DiscordException, aiohttp.ClientError, OSError, TimeoutError) as error:
            raise platform_error(error) from error
        except RuntimeError as error:
            if not client.is_closed():
                raise
            raise _unreachable("the client was closed") from error  # aiohttp: "Session is closed"

    async def client(self) -> discord.Client:
        """Return the client that is logged in. Raises `Unreachable` if there is none for `_LOGIN_WAIT_S` seconds."""
        try:
            async with asyncio.timeout(_LOGIN_WAIT_S):
                await self._there.wait()
        except TimeoutError as error:
            raise _unreachable("not logged in") from error
        if self._client is None:
            raise _unreachable("logged out")
        return self._client


async def _heal_on_cancel(client: discord.Client, call: Awaitable[T]) -> T:
    try:
        return await call
    except asyncio.CancelledError:
        # A request cancelled while discord.py waits out a global rate limit leaves all later requests waiting for ever:
        # only that request would have lifted the pause. At worst the next request is told to wait again.
        client.http._global_over.set()  # noqa: SLF001 - no public way to lift the pause
        raise


def platform_error(error: Exception) -> PlatformError:
    """Return our error for one of discord.py's or aiohttp's (codes: Discord docs, topics/opcodes-and-status-codes)."""
    detail = f"{type(error).__name__}: {error}"
    if isinstance(error, discord.RateLimited):
        return _rate_limited(error.retry_after, detail)
    if not isinstance(error, discord.HTTPException) or error.status >= 500:
        return _unreachable(detail)
    if error.status == 429:  # without Discord's own headers: the address is banned for a while
        return _rate_limited(_retry_after_s(error), detail)
    if error.status == 404:
        return Gone("The message or its channel on Discord is no longer there.", detail)
    if error.status in {401, 403} or error.code in _CLOSED:
        return Forbidden("Discord does not allow the bot to do this here.", detail)
    return PlatformError("Discord did not accept what the bot sent.", detail)


def _retry_after_s(error: discord.HTTPException) -> float:
    try:
        return float(error.response.headers.get("Retry-After", _BANNED_S))
    except ValueError:
        return _BANNED_S


def _rate_limited(retry_after_s: float, detail: str) -> RateLimited:
    return RateLimited("Discord asks the bot to slow down.", detail, retry_after_s=retry_after_s)


def _unreachable(detail: str) -> Unreachable:
    return Unreachable("Discord cannot be reached at the moment.", detail)
