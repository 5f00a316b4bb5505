"""The time on a platform, told by its answers."""

import time
from email.utils import formatdate

import pytest

from bot.platforms.kernel.clock import PlatformClock


@pytest.mark.parametrize("ahead_s", [-86400.0, -3600.0, 3600.0, 86400.0])
def test_a_machine_whose_clock_is_wrong_goes_by_the_platforms(ahead_s: float) -> None:
    clock = PlatformClock()
    clock.told(formatdate(time.time() + ahead_s, usegmt=True))
    assert clock.now_s() == pytest.approx(time.time() + ahead_s, abs=2.0)


def test_a_machine_whose_clock_is_right_goes_by_it_to_the_fraction_of_a_second() -> None:
    clock = PlatformClock()
    clock.told(formatdate(time.time(), usegmt=True))
    assert clock.now_s() == pytest.approx(time.time(), abs=0.1)


@pytest.mark.parametrize("header", [None, "", "yesterday", "Mon, 99 Foo 2026 00:00:00 GMT"])
def test_before_there_is_an_answer_and_after_a_broken_one_the_machines_clock_counts(header: str | None) -> None:
    clock = PlatformClock()
    clock.told(header)
    assert clock.now_s() == pytest.approx(time.time(), abs=0.1)
