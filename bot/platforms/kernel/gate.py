"""The way to a client that comes and goes: a call that finds none waits for the next one, but not for long."""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

from bot.errors import Unreachable
from bot.reply.pacing.pacer import wait_aside

T = TypeVar("T")

WAIT_S = 30.0
"""How long a call waits for a client: a reconnect takes less, and a reader of an answer has no more patience."""


class ClientGate(Generic[T]):
    """Holds the client for calls, while there is one. `away`: makes the error of a call that finds none."""

    def __init__(self, away: Callable[[str], Unreachable]) -> None:
        self._away = away
        self._client: T | None = None
        self._there = asyncio.Event()

    def open(self, client: T) -> None:
        """Let calls use this client from now on."""
        self._client = client
        self._there.set()

    def close(self) -> None:
        """Note that the client is gone."""
        self._client = None
        self._there.clear()

    async def client(self) -> T:
        """Return the client. Raise `Unreachable` if there is none within `WAIT_S` seconds, or if it is gone again."""
        if not self._there.is_set():
            wait_aside()
        try:
            async with asyncio.timeout(WAIT_S):
                await self._there.wait()
        except TimeoutError as error:
            raise self._away("not signed in") from error
        if self._client is None:  # it came and went while this call was woken
            raise self._away("signed out")
        return self._client
