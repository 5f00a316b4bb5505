"""Few files are decoded at a time: whose is next."""

import asyncio

import pytest

from bot.media.decode.fair_queue import FairQueue, one_message


class Desk:
    """A line with two places, and jobs that last until they are let go, in the order in which they began."""

    def __init__(self) -> None:
        self.line = FairQueue(2)
        self.begun: list[str] = []
        self._gates: list[asyncio.Event] = []
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def _job(self, name: str) -> None:
        async with self.line.place():
            gate = asyncio.Event()
            self.begun.append(name)
            self._gates.append(gate)
            await gate.wait()

    async def message(self, *names: str) -> None:
        with one_message():
            self._tasks |= {name: asyncio.create_task(self._job(name)) for name in names}
        await settled()

    async def all_done(self) -> None:
        while self._gates:
            self._gates.pop(0).set()
            await settled()

    async def cancelled(self, *names: str) -> None:
        for name in names:
            self._tasks[name].cancel()
        await settled()


async def settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_two_messages_with_ten_files_delay_a_third_by_what_is_being_read_and_no_more() -> None:
    desk = Desk()
    await desk.message(*(f"a{number}" for number in range(10)))
    await desk.message(*(f"b{number}" for number in range(10)))
    await desk.message("picture")
    await desk.all_done()
    assert desk.begun.index("picture") <= 4
    assert sorted(desk.begun) == sorted([*(f"{who}{n}" for who in "ab" for n in range(10)), "picture"])


async def test_the_files_of_one_message_are_read_in_order_and_two_at_a_time() -> None:
    desk = Desk()
    await desk.message("a", "b", "c")
    assert desk.begun == ["a", "b"]
    await desk.all_done()
    assert desk.begun == ["a", "b", "c"]


@pytest.mark.parametrize("gone", [("a",), ("c",), ("a", "b"), ("a", "c"), ("c", "d")])
async def test_who_leaves_the_line_or_a_place_leaves_it_to_others(gone: tuple[str, ...]) -> None:
    desk = Desk()
    await desk.message("a", "b", "c", "d")
    await desk.cancelled(*gone)
    await desk.all_done()
    assert set(desk.begun) >= {"a", "b", "c", "d"} - set(gone)
    await desk.message("e", "f")
    assert desk.begun[-2:] == ["e", "f"]
    await desk.all_done()
