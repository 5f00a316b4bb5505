"""Who or what is behind an id is asked once, however many want to know it at the same time."""

import asyncio

from loop_clock import time_passes

from bot.platforms.slack.read.lookups import LookUps


class Directory:
    """Tells names, one at a time, and only when it is let go on."""

    def __init__(self) -> None:
        self.names = {"U1": "Ada", "U2": "Grace"}
        self.asked: list[str] = []
        self.go_on = asyncio.Event()

    async def __call__(self, key: str) -> str:
        self.asked.append(key)
        await self.go_on.wait()
        return self.names.get(key, "")


async def test_thirty_messages_of_one_author_are_one_look_up() -> None:
    directory = Directory()
    people = LookUps(directory, bool)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(people.of(key)) for key in ["U1"] * 30 + ["U2"] * 30]
        await asyncio.sleep(0)
        directory.go_on.set()
    assert [task.result() for task in tasks] == ["Ada"] * 30 + ["Grace"] * 30
    assert directory.asked == ["U1", "U2"]


async def test_what_is_known_is_kept_for_an_hour_and_what_failed_for_a_minute() -> None:
    directory = Directory()
    directory.go_on.set()
    people = LookUps(directory, bool)
    assert [await people.of("U1"), await people.of("U3")] == ["Ada", ""]
    time_passes(61.0)
    directory.names["U3"] = "Edith"
    assert [await people.of("U1"), await people.of("U3")] == ["Ada", "Edith"]
    time_passes(3600.0)
    await people.of("U1")
    assert directory.asked == ["U1", "U3", "U3", "U1"]


async def test_a_look_up_that_is_cancelled_leaves_the_next_one_to_it() -> None:
    directory = Directory()
    people = LookUps(directory, bool)
    async with asyncio.TaskGroup() as group:
        first, second = group.create_task(people.of("U1")), group.create_task(people.of("U1"))
        await asyncio.sleep(0)
        first.cancel()
        directory.go_on.set()
    assert second.result() == "Ada"
    assert directory.asked == ["U1", "U1"]
