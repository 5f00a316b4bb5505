"""How long a read of earlier messages is tried: somebody waits for the answer, but one without them may be wrong."""

import asyncio
import math
from collections.abc import Awaitable, Callable
from typing import TypeVar

from bot.errors import RateLimited, Unreachable
from bot.platforms.kernel.back_off import BackOff

T = TypeVar("T")

BACK_OFF_S = BackOff(0.5, 8.0).waits_s(5)
"""The waits while a platform answers with errors, or not at all."""
MOST_S = 20.0
"""How long all reads for one question may take together: readers take a longer silence for a failure."""
_LEAST_S = 3.0


class Patience:
    """The time left to the reads for one question. It begins on creation. It ends with the first read that is given up
    because the platform is out of reach; the others are then tried once.
    """

    def __init__(self) -> None:
        self._until_s = _now_s() + MOST_S

    def left_s(self) -> float:
        """Return how long one more attempt may take; each read gets at least a short one."""
        return max(_LEAST_S, self._until_s - _now_s())

    async def read(self, make: Callable[[], Awaitable[T]]) -> T:
        """Return what a read returns. Repeat it after a rate limit that ends in time, and a few times while the
        platform is out of reach. Raise its last error.
        """
        waits = iter(BACK_OFF_S)
        while True:
            try:
                return await make()
            except (RateLimited, Unreachable) as error:
                wait_s = error.retry_after_s if isinstance(error, RateLimited) else next(waits, math.inf)
                if _now_s() + wait_s >= self._until_s:
                    self._until_s = _now_s() if isinstance(error, Unreachable) else self._until_s
                    raise
            await asyncio.sleep(wait_s)


def missing(parts: list[str]) -> str:
    """Return the things that could not be read as the object of a sentence, each named once."""
    *first, last = dict.fromkeys(parts) or ("",)
    return f"{', '.join(first)} and {last}" if first else last


def _now_s() -> float:
    return asyncio.get_running_loop().time()
