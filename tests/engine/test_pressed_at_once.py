"""What is pressed so fast that the store does not know yet what it is about waits for that, and for no clock."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from engine_room import ADA, key, room

from bot.events import Button, Pressed
from bot.ports import Store
from bot.ports.store import Call
from bot.simulator.claude import Reply, SimulatedClaude


class Slow:
    """A store that takes its time for one kind of call."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.asked, self.go_on = asyncio.Event(), asyncio.Event()
        self.looked_for = 0

    def around(self, store: Store) -> Store:
        return store.around(self._wrapped)

    def _wrapped(self, name: str, call: Call) -> Call:
        async def slow(*arguments: Any, **named: Any) -> Any:
            self.looked_for += name == "turns.find"
            if name == self._name:
                self.asked.set()
                await self.go_on.wait()
            return await call(*arguments, **named)

        return slow


async def test_a_stop_pressed_on_a_message_whose_id_is_not_yet_stored_waits_for_that(
    tmp_path: Path, claude: SimulatedClaude
) -> None:
    claude.script(Reply(pieces=["This is the first half of it, and", " this is the second."], stall_after=1))
    disk = Slow("messages.posted")

    async with room(tmp_path, claude, around=disk.around) as here:
        await here.say(100, "Tell me")
        await disk.asked.wait()
        [answer] = here.chat.shown
        pressed = asyncio.create_task(here.press(Button.STOP, answer))
        while not disk.looked_for:  # noqa: ASYNC110 - the press has no event of its own
            await asyncio.sleep(0)
        elsewhere = await here.engine.handle(Pressed(replace(key("9"), channel="D"), Button.STOP, ADA))
        assert elsewhere.text == ""
        assert not pressed.done()
        disk.go_on.set()
        assert await pressed == ""
        await here.ended(100, "stopped")


@pytest.mark.parametrize("button", [Button.RETRY, Button.CONTINUE])
async def test_what_is_pressed_before_the_end_of_an_answer_is_stored_waits_for_that(
    tmp_path: Path, claude: SimulatedClaude, button: Button
) -> None:
    claude.script(Reply(text="The beginning", stop_reason="max_tokens"), Reply(text="Something else."))
    disk = Slow("turns.end")

    async with room(tmp_path, claude, around=disk.around) as here:
        await here.say(100, "Tell me")
        await disk.asked.wait()
        [answer] = here.chat.shown
        assert button in here.chat.shown[answer].buttons
        pressed = asyncio.create_task(here.press(button, answer))
        while not disk.looked_for:  # noqa: ASYNC110 - the press has no event of its own
            await asyncio.sleep(0)
        assert not pressed.done()
        disk.go_on.set()
        assert await pressed == ""
        await here.chat.until(lambda: "Something else." in here.chat.lines)
        assert claude.count == 2
