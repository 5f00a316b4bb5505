"""Ids and timestamps: each is given once."""

import itertools
import time

from bot.simulator.slack.workspace.settings import Settings


class Ids:
    """Makes what is unique in a workspace. Single event loop."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._numbers = itertools.count(1)
        self._last_ts = 0

    def new(self, prefix: str) -> str:
        """Return an id that nothing else has."""
        return f"{prefix}0SIM{next(self._numbers):06d}"

    def ts(self) -> str:
        """Return a `ts`: unique in the workspace and rising, seconds with six decimals (Slack docs)."""
        now_us = int((time.time() + self._settings.clock_ahead_s) * 1_000_000)
        self._last_ts = max(now_us, self._last_ts + 1)
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"
