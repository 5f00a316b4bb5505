"""Row 42 of the fault table: more questions at once than can be answered at once."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine_room import key, room

from bot.events import Person
from bot.simulator.claude import Reply, SimulatedClaude


def echo(body: Mapping[str, Any]) -> Reply:
    return Reply(text=f"Answer to {body['messages'][-1]['content']}")


async def test_row_42_a_flood_is_on_disk_when_it_was_heard_and_each_question_is_answered_once(tmp_path: Path) -> None:
    numbers = range(1000, 1300)
    async with SimulatedClaude(otherwise=echo) as claude, room(tmp_path, claude, in_all=8, per_person=4) as here:

        async def ask(number: int) -> None:
            await here.say(number, f"Question {number}?", Person(f"U{number % 40}", "Ada"), thread=f"T{number}")
            assert await here.store.turns.find(key(str(number))) is not None

        async with asyncio.TaskGroup() as group:
            for number in numbers:
                group.create_task(ask(number))
        for number in numbers:
            await here.ended(number, "delivered")
        assert here.claude.count == len(numbers)
        whole = " ".join(here.chat.lines)
        assert [number for number in numbers if whole.count(f"Question {number}?") != 1] == []
