"""In which order places are read back where there may not be the time to read them all."""

import random
from collections.abc import Iterable
from typing import TypeVar

T = TypeVar("T")


def in_fair_order(places: Iterable[T]) -> list[T]:
    """Return places in another order: the first, any other one, the next, any other one, and so on.

    The first ones are the most urgent. What was read is read again by the next process until all of it was: one that is
    killed early, again and again, would never come to the last ones.
    """
    left, ordered = list(places), []
    while left:
        ordered.append(left.pop(0))
        if left:
            ordered.append(left.pop(random.randrange(len(left))))  # noqa: S311 - no secret
    return ordered
