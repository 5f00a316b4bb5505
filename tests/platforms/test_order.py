"""Events of one channel are heard one at a time, in the order in which they were said, if they come close together."""

import asyncio
import math
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.platforms.kernel.order import ChannelOrder, Slot


@given(st.lists(st.floats(0.0, 100.0), min_size=1, max_size=12, unique=True))
def test_what_comes_late_together_is_heard_in_the_order_it_was_said(said: list[float]) -> None:
    heard: list[float] = []

    async def all_of_it() -> None:
        order = ChannelOrder()

        async def handle(at_s: float) -> None:
            async with order.slot("C1", at_s, settle=partial(asyncio.sleep, 0.001)):
                heard.append(at_s)
                await asyncio.sleep(0)
                assert heard[-1] == at_s  # nobody else meanwhile

        await asyncio.gather(*map(handle, said))

    asyncio.run(all_of_it())
    assert heard == sorted(said)


async def test_what_is_heard_at_once_waits_only_for_what_is_there() -> None:
    order = ChannelOrder()
    heard: list[float] = []
    entered, go_on = asyncio.Event(), asyncio.Event()

    async def first() -> None:
        async with order.slot("C1", 9.0):
            heard.append(9.0)
            entered.set()
            await go_on.wait()

    async def later(at_s: float) -> None:
        async with order.slot("C1", at_s):
            heard.append(at_s)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(first())
        await entered.wait()
        for at_s in (3.0, 1.0, 2.0):
            tasks.create_task(later(at_s))
        await asyncio.sleep(0)
        go_on.set()
    assert heard == [9.0, 1.0, 2.0, 3.0]


async def test_who_gives_up_waiting_keeps_nobody_else_waiting() -> None:
    order = ChannelOrder()
    heard: list[float] = []

    async def handle(at_s: float, settle_s: float) -> None:
        async with order.slot("C1", at_s, settle=partial(asyncio.sleep, settle_s)):
            heard.append(at_s)

    impatient = asyncio.create_task(handle(1.0, 60.0))
    await asyncio.sleep(0)
    other = asyncio.create_task(handle(2.0, 0.0))
    await asyncio.sleep(0)
    assert not heard
    impatient.cancel()
    await other
    assert heard == [2.0]


async def test_what_fails_lets_the_next_one_through() -> None:
    order = ChannelOrder()
    for _ in range(2):
        with pytest.raises(OSError, match="disk full"):
            async with order.slot("C1", 1.0):
                raise OSError("disk full")
    async with asyncio.timeout(120), order.slot("C1", 2.0):
        pass


async def test_what_joins_together_goes_in_the_order_it_joined_but_for_what_ranks_before_it() -> None:
    order = ChannelOrder()
    handled: list[str] = []

    async def handle(name: str, slot: Slot) -> None:
        async with slot:
            handled.append(name)
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as tasks:
        for name, rank in (("a", 1.0), ("b", 1.0), ("missed", 0.0), ("c", 1.0)):
            tasks.create_task(handle(name, order.slot("C1", rank)))
    assert handled == ["missed", "a", "b", "c"]


async def test_one_channel_does_not_wait_for_another_one() -> None:
    order = ChannelOrder()
    async with order.slot("C1"), order.slot("C2"):
        pass


async def test_what_comes_before_an_event_has_settled_may_go_first() -> None:
    order = ChannelOrder()
    handled: list[str] = []
    settled = asyncio.Event()

    async def handle(name: str, slot: Slot) -> None:
        async with slot:
            handled.append(name)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(handle("live", order.slot("C1", 1.0, settle=settled.wait)))
        tasks.create_task(handle("later", order.slot("C1", 1.0)))
        for _ in range(3):
            await asyncio.sleep(0)
        assert handled == []
        tasks.create_task(handle("missed", order.slot("C1", 0.0)))
        for _ in range(3):
            await asyncio.sleep(0)
        assert handled == ["missed"]
        settled.set()
    assert handled == ["missed", "live", "later"]


async def test_it_is_known_since_when_the_earliest_waits_until_it_is_handled_to_its_end() -> None:
    order = ChannelOrder()
    assert order.waiting_since_s() == math.inf
    async with order.slot("C1", since_s=5.0):
        assert order.waiting_since_s() == 5.0
        later = order.slot("C1", since_s=7.0)
    assert order.waiting_since_s() == 7.0
    async with later:
        pass
    assert order.waiting_since_s() == math.inf


async def test_a_channel_in_which_nobody_waits_is_not_kept() -> None:
    order = ChannelOrder()
    for number in range(3):
        async with order.slot(f"C{number}"):
            pass
    assert not order._lines
