"""The order in which places are read back when there may be no time to read them all."""

import random
from collections.abc import Iterable
from typing import TypeVar

T = TypeVar("T")


def in_fair_order(places: Iterable[T]) -> list[T]:
    """Return places reordered: the first, a random one of the rest, the next, a random one of the rest, and so on.

    The first ones are the most urgent. Until all places were read, each new process starts over: one that is killed
    early every time would never reach the last ones.
    """
    left, ordered = list(places), []
    while left:
        ordered.append(left.pop(0))
        if left:
            ordered.append(left.pop(random.randrange(len(left))))  # noqa: S311 - no secret
    return ordered
