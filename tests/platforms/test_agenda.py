"""Each place that may have missed something is read, what is waited for first, and none is read twice at once."""

from hypothesis import given
from hypothesis import strategies as st

from bot.platforms.kernel.agenda import Agenda, ChannelRef
from bot.platforms.kernel.back_off import BackOff

HERE, THERE, ELSEWHERE = (ChannelRef(name) for name in ("here", "there", "elsewhere"))


def agenda() -> Agenda:
    return Agenda(BackOff(1.0, 8.0), tries=3, longest_s=100.0)


def taken(some: Agenda, now_s: float = 0.0, urgent: tuple[ChannelRef, ...] = ()) -> ChannelRef | None:
    reading = some.take(now_s, urgent)
    return reading.place if reading else None


def test_places_are_read_in_their_order_but_for_those_that_are_waited_for() -> None:
    some = agenda()
    for place in (HERE, THERE, ELSEWHERE):
        some.add(place, 5.0, 0.0)
    assert [taken(some, urgent=(ELSEWHERE,)), taken(some), taken(some), taken(some)] == [ELSEWHERE, HERE, THERE, None]


def test_a_place_that_is_added_twice_is_read_once_since_the_earlier_time() -> None:
    some = agenda()
    for since_s in (5.0, 3.0, 7.0):
        some.add(HERE, since_s, 0.0)
    reading = some.take(0.0)
    assert reading is not None
    assert (reading.since_s, len(some), taken(some)) == (3.0, 1, None)


def test_a_place_that_is_added_while_it_is_read_is_read_again_afterwards() -> None:
    some = agenda()
    some.add(HERE, 5.0, 0.0)
    assert taken(some) == HERE
    some.add(HERE, 6.0, 0.0)
    assert taken(some) is None
    some.done(HERE)
    assert (taken(some), len(some)) == (HERE, 1)


def test_a_place_that_fails_is_read_after_the_others_and_waits_ever_longer() -> None:
    some = agenda()
    some.add(HERE, 5.0, 0.0)
    some.add(THERE, 5.0, 0.0)
    assert taken(some) == HERE
    some.failed(HERE, 0.0)
    assert (taken(some, 0.5), taken(some, 0.5), some.next_due_s()) == (THERE, None, 1.0)
    assert taken(some, 1.0) == HERE
    some.failed(HERE, 1.0)
    assert some.next_due_s() == 3.0


def test_it_holds_up_who_speaks_there_only_for_the_first_tries() -> None:
    some = agenda()
    assert not some.holds_up(HERE)
    some.add(HERE, 5.0, 0.0)
    for at_s in (0.0, 10.0, 20.0):
        assert some.holds_up(HERE)
        assert taken(some, at_s) == HERE
        assert some.holds_up(HERE)
        some.failed(HERE, at_s)
    assert not some.holds_up(HERE)
    assert len(some) == 1


def test_what_could_not_be_read_for_too_long_is_dropped_and_named() -> None:
    some = agenda()
    some.add(HERE, 5.0, 0.0)
    some.add(THERE, 5.0, 50.0)
    assert some.expire(99.0) == []
    assert (some.expire(100.0), len(some)) == ([HERE], 1)
    assert taken(some, 100.0) == THERE


def test_a_place_in_which_another_one_told_news_is_read_once_a_catch_up() -> None:
    some = agenda()
    some.add(HERE, 5.0, 0.0)
    for _ in range(2):
        reading = some.take(0.0)
        assert reading is not None
        some.add_new(THERE, reading)
        some.add_new(THERE, reading)
        assert (taken(some), taken(some)) == (THERE, None)
        some.done(HERE)
        some.done(THERE)
        some.begin()
        some.add(HERE, 6.0, 0.0)


def test_every_place_was_tried_when_each_was_read_or_has_failed() -> None:
    some = agenda()
    assert some.all_tried()
    some.add(HERE, 5.0, 0.0)
    assert not some.all_tried()
    assert taken(some) == HERE
    assert not some.all_tried()
    some.failed(HERE, 0.0)
    assert some.all_tried()


@given(st.lists(st.tuples(st.sampled_from(["add", "take", "done", "fail"]), st.integers(0, 4)), max_size=60))
def test_whatever_happens_no_place_is_lost_or_read_twice_at_once(steps: list[tuple[str, int]]) -> None:
    some, now_s = agenda(), 0.0
    wanted: set[ChannelRef] = set()
    being_read: list[ChannelRef] = []
    for step, number in steps:
        now_s += 1.0
        place = ChannelRef(str(number))
        if step == "add":
            some.add(place, 0.0, now_s)
            wanted.add(place)
        elif step == "take":
            reading = some.take(now_s)
            assert reading is None or reading.place not in being_read
            being_read += [reading.place] if reading else []
            wanted -= set(being_read[-1:]) if reading else set()
        elif being_read:
            place = being_read.pop(0)
            some.done(place) if step == "done" else some.failed(place, now_s)
            wanted |= {place} if step == "fail" else set()
        assert len(some) == len(wanted | set(being_read))
