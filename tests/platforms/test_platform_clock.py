"""The time on a platform, told by its answers."""

import time
from email.utils import formatdate

import pytest

from bot.platforms.kernel.clock import PlatformClock


@pytest.mark.parametrize("ahead_s", [-86400.0, -3600.0, 3600.0, 86400.0])
def test_a_machine_whose_clock_is_wrong_goes_by_the_platforms(ahead_s: float) -> None:
    clock = PlatformClock()
    told_s = int(time.time() + ahead_s)
    clock.told(formatdate(told_s, usegmt=True))
    assert told_s <= clock.now_s() <= time.time() + ahead_s


def test_a_machine_whose_clock_is_right_goes_by_it_to_the_fraction_of_a_second() -> None:
    clock = PlatformClock()
    clock.told(formatdate(before_s := time.time(), usegmt=True))
    assert before_s <= clock.now_s() <= time.time()


@pytest.mark.parametrize("header", [None, "", "yesterday", "Mon, 99 Foo 2026 00:00:00 GMT"])
def test_before_there_is_an_answer_and_after_a_broken_one_the_machines_clock_counts(header: str | None) -> None:
    clock = PlatformClock()
    clock.told(header)
    before_s = time.time()
    assert before_s <= clock.now_s() <= time.time()
