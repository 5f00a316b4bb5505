"""Events of one channel are heard one at a time, in the order in which they were said, if they come close together."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.platforms.slack.order import Turns


@given(st.lists(st.floats(0.0, 100.0), min_size=1, max_size=12, unique=True))
def test_what_comes_late_together_is_heard_in_the_order_it_was_said(said: list[float]) -> None:
    heard: list[float] = []

    async def all_of_it() -> None:
        turns = Turns()

        async def hear(at_s: float) -> None:
            async with turns.turn(at_s, settle_s=0.001):
                heard.append(at_s)
                await asyncio.sleep(0)
                assert heard[-1] == at_s  # nobody else meanwhile

        await asyncio.gather(*map(hear, said))

    asyncio.run(all_of_it())
    assert heard == sorted(said)


async def test_what_is_heard_at_once_waits_only_for_what_is_there() -> None:
    turns = Turns()
    heard: list[float] = []
    entered, go_on = asyncio.Event(), asyncio.Event()

    async def first() -> None:
        async with turns.turn(9.0):
            heard.append(9.0)
            entered.set()
            await go_on.wait()

    async def later(at_s: float) -> None:
        async with turns.turn(at_s):
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
    turns = Turns()
    heard: list[float] = []

    async def hear(at_s: float, settle_s: float) -> None:
        async with turns.turn(at_s, settle_s):
            heard.append(at_s)

    impatient = asyncio.create_task(hear(1.0, 60.0))
    await asyncio.sleep(0)
    other = asyncio.create_task(hear(2.0, 0.0))
    await asyncio.sleep(0)
    assert not heard
    impatient.cancel()
    await other
    assert heard == [2.0]


async def test_what_fails_lets_the_next_one_through() -> None:
    turns = Turns()
    for _ in range(2):
        with pytest.raises(OSError, match="disk full"):
            async with turns.turn(1.0):
                raise OSError("disk full")
    async with asyncio.timeout(120), turns.turn(2.0):
        pass
