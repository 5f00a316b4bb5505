"""What failed is tried again ever more rarely, never more rarely than was said, and not by all bots at one time."""

from hypothesis import given
from hypothesis import strategies as st

from bot.platforms.kernel.back_off import BackOff


def test_each_wait_is_twice_the_one_before_until_the_longest() -> None:
    assert BackOff(0.5, 3.0).waits_s(5) == (0.5, 1.0, 2.0, 3.0, 3.0)


def test_nobody_waits_after_nothing_went_wrong() -> None:
    assert BackOff(0.5, 3.0, spread=True).wait_s(0) == 0.0


@given(st.floats(0.001, 10.0), st.floats(10.0, 3600.0), st.integers(1, 10**9))
def test_however_often_it_went_wrong_no_wait_is_shorter_than_the_first_or_longer_than_the_longest(
    first_s: float, longest_s: float, failures: int
) -> None:
    assert first_s <= BackOff(first_s, longest_s).wait_s(failures) <= longest_s


@given(st.integers(1, 100))
def test_a_wait_that_is_spread_is_at_least_half_of_the_whole_one(failures: int) -> None:
    whole_s = BackOff(1.0, 300.0).wait_s(failures)
    assert whole_s / 2 <= BackOff(1.0, 300.0, spread=True).wait_s(failures) <= whole_s


def test_bots_that_failed_together_do_not_return_together() -> None:
    spread = BackOff(1.0, 300.0, spread=True)
    assert len({spread.wait_s(5) for _ in range(20)}) > 1
