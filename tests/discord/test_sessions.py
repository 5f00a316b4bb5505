"""Row 22 of the fault table: how often a new session may begin."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.platforms.discord.sessions import SessionStarts

DAY_S = 86_400.0
LASTED = st.lists(st.sampled_from([0.0, 0.01, 5.0, 61.0, 299.0, 301.0, 4000.0]) | st.floats(0, 7200), max_size=400)
"""How long each session of a bot lasted, in seconds."""


def begun(lasted: list[float], starts: SessionStarts) -> list[float]:
    """When the sessions of a bot began that begins each as soon as it may."""
    now_s, times = 0.0, []
    for session_s in lasted:
        now_s += starts.wait_s(now_s)
        while starts.wait_s(now_s):  # what rounding leaves
            now_s += 1e-6
        starts.begin(now_s)
        times.append(now_s)
        now_s += session_s
    return times


def most_within(window_s: float, times: list[float]) -> int:
    return max((sum(at <= other <= at + window_s for other in times) for at in times), default=0)


def check(lasted: list[float]) -> None:
    times = begun(lasted, SessionStarts())
    assert most_within(DAY_S, times) <= 300
    assert most_within(3600.0, times) <= 24
    assert all(
        later - at <= session_s + 300.001 for (at, later), session_s in zip(pairwise(times), lasted, strict=False)
    )


@settings(max_examples=60, deadline=None)
@given(LASTED)
def test_row_22_however_sessions_break_no_day_holds_300_new_ones_and_none_waits_over_5_minutes(
    lasted: list[float],
) -> None:
    check(lasted)


@pytest.mark.long
@settings(max_examples=10_000, deadline=None)
@given(LASTED)
def test_row_22_the_same_at_length(lasted: list[float]) -> None:
    check(lasted)


@pytest.mark.parametrize("session_s", [0.0, 5.0, 61.0, 130.0])
def test_row_22_sessions_that_always_break_after_the_same_time(session_s: float) -> None:
    times = begun([session_s] * 2000, SessionStarts())
    assert most_within(DAY_S, times) <= 300
    assert most_within(3600.0, times[100:]) <= 13


def test_a_bot_that_was_stable_for_an_hour_comes_back_at_once_again_and_again() -> None:
    starts = SessionStarts()
    now_s = begun([0.0] * 500, starts)[-1] + 3600.0
    for _ in range(12):
        assert starts.wait_s(now_s) == 0.0
        starts.begin(now_s)
    assert starts.wait_s(now_s) > 0.0


def test_a_session_too_many_is_refused() -> None:
    starts = SessionStarts(most=1, every_s=60.0)
    starts.begin(1000.0)
    assert starts.wait_s(1010.0) == 50.0
    with pytest.raises(ConnectionError, match="50 s"):
        starts.begin(1010.0)
    starts.begin(1060.0)
