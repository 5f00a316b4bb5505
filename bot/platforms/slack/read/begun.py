"""Threads that could be read only in part: the next turn resumes where the reading ended.

In the slow rate class (one page of 15 messages a minute) it would otherwise read the same page at every turn.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

_KEPT = 100
_FRESH_S = 900.0
"""After that it is read from the start: messages are edited and deleted meanwhile."""

Message = Mapping[str, Any]


class BegunThreads:
    """What was read of threads, in memory only. Named by channel and root."""

    def __init__(self) -> None:
        self._read: OrderedDict[tuple[str, str], tuple[float, Sequence[Message]]] = OrderedDict()

    def take(self, channel: str, thread: str) -> Sequence[Message]:
        """Return what was read of a thread, oldest first, and forget it."""
        at_s, messages = self._read.pop((channel, thread), (0.0, ()))
        return messages if at_s + _FRESH_S > _now_s() else ()

    def keep(self, channel: str, thread: str, messages: Sequence[Message]) -> None:
        """Remember what was read of a thread."""
        if messages:
            self._read[channel, thread] = _now_s(), messages
        while len(self._read) > _KEPT:
            self._read.popitem(last=False)


def _now_s() -> float:
    return asyncio.get_running_loop().time()
