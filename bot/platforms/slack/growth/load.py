"""How a workspace's replies share its limits: some are streamed, the others edited.

Slack counts the methods of the two ways apart, so that both together show more than either. A reply that begins goes
where there is more room.
"""

import asyncio
from collections import deque
from weakref import WeakSet

from bot.platforms.slack.limits import APPENDS_PER_MIN, STARTS_PER_MIN, UPDATES_PER_MIN

_KEPT_STARTS = 2
_MINUTE_S = 60.0


class Growing:
    """A message that grows, or is about to. It counts until it is dropped, or nobody has it any more."""

    __slots__ = ("__weakref__", "begun", "native")

    def __init__(self, *, native: bool) -> None:
        self.native = native
        self.begun = False


class WorkspaceLoad:
    """The messages of one workspace that grow now, and the streams that began within the last minute."""

    def __init__(self) -> None:
        self._growing: WeakSet[Growing] = WeakSet()
        self._starts: deque[float] = deque()

    def add(self, *, native: bool) -> Growing:
        """Count one more message that is to grow."""
        growing = Growing(native=native)
        self._growing.add(growing)
        return growing

    def drop(self, growing: Growing | None) -> None:
        """Count a message no more."""
        if growing is not None:
            self._growing.discard(growing)

    def started(self, growing: Growing) -> None:
        """Note that a stream was begun just now."""
        growing.begun = True
        self._starts.append(asyncio.get_running_loop().time())

    def favours_native(self) -> bool:
        """Return whether one more reply had better be streamed than edited."""
        horizon_s = asyncio.get_running_loop().time() - _MINUTE_S
        while self._starts and self._starts[0] <= horizon_s:
            self._starts.popleft()
        streams = [growing for growing in self._growing if growing.native]
        edited = len(self._growing) - len(streams)
        starts = len(self._starts) + sum(not growing.begun for growing in streams)
        has_starts = starts < STARTS_PER_MIN - _KEPT_STARTS
        return has_starts and len(streams) * UPDATES_PER_MIN <= edited * APPENDS_PER_MIN
