"""A platform's clock, as its answers tell it: this machine's may be wrong, or be reset while the bot runs."""

import time
from email.utils import parsedate_to_datetime

_SAME_S = 2.0
"""Answers tell whole seconds and take a moment: a difference up to this is no sign that this machine's clock is wrong.
"""


class PlatformClock:
    """Tells the time by this machine's clock while that agrees with the latest answer; else by the answer and its
    age.
    """

    def __init__(self) -> None:
        self._ahead_s: float | None = None

    def told(self, date: str | None) -> None:
        """Take in the `Date` header of an answer: whole seconds (RFC 9110, section 6.6.1). Ignore a malformed one."""
        try:
            self._ahead_s = parsedate_to_datetime(date or "").timestamp() - time.monotonic()
        except ValueError:
            return

    def now_s(self) -> float:
        """Return the time in seconds since 1970, at most a second or two late."""
        here_s = time.time()
        there_s = here_s if self._ahead_s is None else time.monotonic() + self._ahead_s
        return here_s if abs(here_s - there_s) < _SAME_S else there_s
