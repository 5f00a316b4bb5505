"""A store that fails for a while (its disk is full) delays answers, and nothing else: whichever call it fails."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from engine_room import Chat, Room, message, room

from bot.engine import patience
from bot.errors import StoreError
from bot.events import Button, Edited, Upload
from bot.ports import Store
from bot.ports.store import Call
from bot.simulator.claude import Reply, SimulatedClaude

ONCE, FOR_SECONDS = 1, 6
FIRST, SECOND = "The first answer, which is about nothing.", "The second answer, which is about nothing else."


class Failing:
    """What makes a `store` that fails from its call number `at` on, so many `times`; `called`: all its calls."""

    def __init__(self, store: Store, at: int, times: int) -> None:
        self._at = at
        self._left = times
        self.called: list[str] = []
        self.store = store.around(self._failing)

    def _failing(self, name: str, call: Call) -> Call:
        async def called(*arguments: Any, **named: Any) -> Any:
            self.called.append(name)
            if len(self.called) > self._at and self._left:
                self._left -= 1
                raise StoreError("The disk that holds the database is full.", name)
            return await call(*arguments, **named)

        return called


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The waits between the attempts take no time."""
    monkeypatch.setattr(patience, "WAITS_S", (0.0,))


def file_and(text: str) -> list[Reply]:
    given = {"type": "tool_use", "name": "give_file", "input": {"name": "a.txt", "content": "A"}}
    return [Reply(blocks=[{"type": "text", "text": "Here it is: "}, given]), Reply(text=text)]


async def one_question(here: Room) -> None:
    here.claude.script(*file_and(FIRST))
    await here.say(1, "First?")
    await here.ended(1, "delivered")
    assert [m.text for m in here.chat.shown.values() if m.file is None] == [f"Here it is: \n\n{FIRST}"]
    assert [m.file for m in here.chat.shown.values() if m.file is not None] == [b"A"]
    assert here.claude.count == 2


async def several_questions(here: Room) -> None:
    gate = asyncio.Event()
    here.claude.script(Reply(pieces=[FIRST[:25], FIRST[25:]], gate=gate, gate_at=1), Reply(text=SECOND))
    await here.say(1, "First?")
    for number in (2, 3):
        await here.say(number, "Second?")
    gate.set()
    for number in (1, 2, 3):
        await here.ended(number, "delivered")
    assert here.chat.lines == [FIRST, SECOND]
    assert here.claude.count == 2


async def plays(directory: Path, play: Callable[[Room], Awaitable[None]], times: int) -> AsyncIterator[list[str]]:
    """Play the same scene again and again; the store fails one call later each time, and not at all in the end."""
    at = 0
    while True:
        stores: list[Failing] = []
        async with SimulatedClaude() as claude:

            def failing(store: Store, stores: list[Failing] = stores, at: int = at + 1) -> Store:
                stores.append(Failing(store, at, times))
                return stores[0].store

            async with room(directory / f"{times} {at}", claude, around=failing) as here:
                try:
                    await play(here)
                except BaseException as error:
                    error.add_note(f"the store failed {times} times from {stores[0].called[at + 1 :][:1]} on")
                    raise
                called = list(stores[0].called)
        yield called
        if at + 1 >= len(called):
            return
        at += 1


@pytest.mark.parametrize("times", [ONCE, FOR_SECONDS])
@pytest.mark.parametrize("play", [one_question, several_questions])
async def test_whichever_call_of_a_turn_fails_the_whole_answer_is_there_once_in_order_and_paid_once(
    tmp_path: Path, play: Callable[[Room], Awaitable[None]], times: int
) -> None:
    failed = [called async for called in plays(tmp_path, play, times)]
    whole = set(failed[-1])
    assert len(failed) > 10
    turns = {f"turns.{one}" for one in ("accept", "begin", "record", "end")}
    assert turns | {"history.messages", "messages.posting", "messages.posted"} <= whole


async def test_a_turn_that_breaks_off_in_a_way_nobody_has_foreseen_does_not_end_its_threads_line(
    tmp_path: Path, claude: SimulatedClaude
) -> None:
    claude.script(Reply(text=FIRST))
    chat = Odd()
    async with room(tmp_path, claude, chat) as here:
        await here.say(1, "First?")
        await chat.until(lambda: chat.surfaces > 0)
        await here.say(2, "Second?")  # who asks more makes it try again at once
        await here.ended(1, "delivered")
        await here.ended(2, "delivered")
        assert claude.count == 1
        assert chat.lines == [FIRST]


class Odd(Chat):
    """A chat whose first surface cannot be made."""

    surfaces = 0

    def surface(self, address: Any, key: Any) -> Any:
        self.surfaces += 1
        self.changed()
        if self.surfaces == 1:
            raise KeyError("mentions")
        return super().surface(address, key)


async def test_a_question_that_was_left_and_is_looked_up_in_vain_is_answered_as_it_was_asked(
    tmp_path: Path, claude: SimulatedClaude
) -> None:
    claude.script(Reply(pieces=["Never said."], first_token_s=60.0), Reply(text=FIRST))
    async with room(tmp_path, claude) as here:
        await here.say(1, "First?")
        await claude.until(lambda: claude.count == 1)
    chat = Unread()
    async with room(tmp_path, claude, chat) as here:
        await here.ended(1, "delivered")
        assert chat.lines == [FIRST]


class Unread(Chat):
    """A chat that looks questions up in a way that nobody has foreseen."""

    async def current(self, question: Any) -> Any:  # noqa: ARG002 - the port has it
        raise KeyError("mentions")


async def test_an_edit_that_cannot_be_stored_and_is_given_up_leaves_the_question_in_its_line(
    tmp_path: Path, claude: SimulatedClaude
) -> None:
    claude.script(Reply(pieces=[FIRST[:25], "x"], stall_after=1), Reply(text=SECOND))
    stores: list[Failing] = []

    def failing(store: Store) -> Store:
        stores.append(Failing(store, 10**9, 10**9))
        return stores[0].store

    async with room(tmp_path, claude, around=failing) as here:
        await here.say(1, "First?")
        await here.chat.until(lambda: bool(here.chat.shown))
        edit = asyncio.create_task(here.edit(1, "Another?"))
        await claude.next_disconnect()
        edit.cancel()  # the connection it came by is closed
        await asyncio.gather(edit, return_exceptions=True)
        await here.ended(1, "delivered")
        assert here.chat.lines == [SECOND]


async def test_questions_that_share_a_waiting_turn_are_all_answered_when_one_of_them_is_edited(
    tmp_path: Path, claude: SimulatedClaude
) -> None:
    claude.script(Reply(pieces=[FIRST[:25], "x"], stall_after=1), Reply(text=SECOND))
    async with room(tmp_path, claude, per_person=1) as here:
        await here.say(1, "First?")
        await here.chat.until(lambda: bool(here.chat.shown))
        here.chat.files["u"] = b"what is in the file"
        await here.say(2, "", uploads=(Upload("1", "a.txt", "u"),), thread="U")
        await here.say(3, "What is it?", thread="U")
        await here.chat.until(lambda: len(here.chat.shown) == 2)  # it says that it waits for a place
        await here.do(Edited(message(3, "What is in it?", thread="U")))
        await here.press(Button.STOP, "1")
        await here.ended(2, "delivered")
        await here.ended(3, "delivered")
        assert "what is in the file" in here.prompt()
        assert "What is in it?" in here.prompt()
        assert claude.count == 2


async def test_what_people_do_while_the_disk_is_full_is_obeyed(tmp_path: Path, claude: SimulatedClaude) -> None:
    """No platform tells of an edit, a stop, a press or a deletion again."""
    disks: list[Failing] = []

    def full(store: Store) -> Store:
        disks.append(Failing(store, 0, 0))
        return disks[0].store

    claude.script(Reply(text=FIRST, stall_after=3), Reply(text=SECOND), Reply(text=FIRST), Reply(text=SECOND))
    async with room(tmp_path, claude, around=full) as here:

        async def do(act: Callable[[], Awaitable[object]], ended: str) -> None:
            disks[0]._left = FOR_SECONDS
            await act()
            await here.ended(1, ended)

        await here.say(1, "First?")
        await here.claude.until(lambda: claude.count == 1 and claude.requests[0].stalled)
        await do(lambda: here.say(2, "stop"), "stopped")
        await do(lambda: here.edit(1, "Second?"), "delivered")
        assert SECOND in here.chat.lines[-1]
        [shown] = here.chat.shown
        await do(lambda: here.press(Button.RETRY, shown), "delivered")
        await do(lambda: here.delete(1), "delivered")
        turn = await here.store.turns.find(message(1, "").key)
        assert turn is not None
        assert not turn.asked
