"""How long to wait before something that failed is tried again. Pure but for the spread."""

import random
from dataclasses import dataclass

_MOST_DOUBLINGS = 30
"""More doublings exceed any wait, and after days of failures the power of two would not fit a float."""


@dataclass(frozen=True, slots=True)
class BackOff:
    """Waits that double from `first_s` up to `longest_s`.

    `spread`: each wait is shortened at random, by half at most, so that bots that lost a platform together do not
    return together.
    """

    first_s: float
    longest_s: float
    spread: bool = False

    def wait_s(self, failures: int) -> float:
        """Return how long to wait after so many failures in a row; nothing after none."""
        if failures < 1:
            return 0.0
        whole_s = min(self.first_s * 2.0 ** min(failures - 1, _MOST_DOUBLINGS), self.longest_s)
        return whole_s * random.uniform(0.5, 1.0) if self.spread else whole_s  # noqa: S311 - no secret

    def waits_s(self, tries: int) -> tuple[float, ...]:
        """Return the waits between `tries` + 1 attempts."""
        return tuple(self.wait_s(failures) for failures in range(1, tries + 1))
