"""Other processes on the same token: one with a database of its own answers everything a second time."""

import asyncio
import math
from collections.abc import Awaitable, Callable

import structlog

log = structlog.get_logger()

_EVERY_S = 3600.0


class Others:
    """Logs, at once and then once an hour, that another process uses the bot's account on a platform.

    `is_ours`: tells whether a message of the account is in this bot's database, by its key. An earlier process on the
    same database does not count as another one, so a restart never raises the alarm.
    """

    def __init__(
        self, platform: str = "", is_ours: Callable[[str], Awaitable[bool]] | None = None, *, every_s: float = _EVERY_S
    ) -> None:
        self._platform = platform
        self._is_ours = is_ours
        self._every_s = every_s
        self._said_s = -math.inf

    async def posted(self, idempotency_key: str) -> None:
        """Take in a message that the account posted, by the key it was posted with."""
        if self._is_ours is not None and not await self._is_ours(idempotency_key):
            self.seen("it posts answers that are not in this bot's database")

    def seen(self, sign: str) -> None:
        """Take in a sign of another process."""
        now_s = asyncio.get_running_loop().time()
        if now_s - self._said_s >= self._every_s:
            self._said_s = now_s
            log.warning(
                "another_process_answers",
                platform=self._platform,
                sign=sign,
                remedy="people get every answer twice: end the other one, or give it a token of its own",
            )
