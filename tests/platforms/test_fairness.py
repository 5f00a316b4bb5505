"""Where a process never has the time to read all places, each is read sooner or later, and the urgent ones first."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from bot.platforms.kernel.fairness import in_fair_order


@given(st.lists(st.integers(), unique=True))
def test_each_place_comes_once(places: Sequence[int]) -> None:
    assert sorted(in_fair_order(places)) == sorted(places)


@given(st.integers(1, 300), st.integers(1, 150))
def test_the_most_urgent_ones_come_within_twice_their_rank(places: int, urgent: int) -> None:
    urgent = min(urgent, places)
    assert set(range(urgent)) <= set(in_fair_order(range(places))[: 2 * urgent])


def test_processes_that_are_killed_after_forty_of_six_hundred_places_have_read_all_of_them_in_the_end() -> None:
    read: set[int] = set()
    for _ in range(600):  # one that misses a given place 600 times is a chance of one in ten billion
        read.update(in_fair_order(range(600))[:40])
    assert len(read) == 600
