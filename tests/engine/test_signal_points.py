"""The bot is told to end at every point of a turn, one after the other; meanwhile somebody stops, edits or deletes."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from engine_room import Chat, Place, Room, message, room

from bot.engine.sentences import DELETED, STOPPED
from bot.errors import Stopping
from bot.events import Button, Deleted, Edited
from bot.ports import Store
from bot.ports.store import Call
from bot.simulator.claude import Reply, SimulatedClaude

WHOLE = " ".join(f"This is line {number} of the answer." for number in range(12))
OTHER = " ".join(f"That is line {number} of the other answer." for number in range(12))
DRAIN_S = 600.0


class Points:
    """The points one life comes to; at number `at` the bot is told to end, and goes on."""

    def __init__(self, at: int) -> None:
        self._at = at
        self.reached: list[str] = []
        self.told = asyncio.Event()

    def reach(self, name: str) -> None:
        self.reached.append(name)
        if len(self.reached) - 1 == self._at:
            self.told.set()


def watched(store: Store, points: Points) -> Store:
    """Return a store with a point before and after each call."""

    def reaching(name: str, call: Call) -> Call:
        async def called(*arguments: Any, **named: Any) -> Any:
            points.reach(f"before {name}")
            value = await call(*arguments, **named)
            points.reach(f"after {name}")
            return value

        return called

    return store.around(reaching)


class WatchedChat(Chat):
    """A chat with a point before and after each post and edit."""

    points = Points(-1)

    def surface(self, address: Any, key: Any) -> "WatchedPlace":  # noqa: ARG002 - the port has it
        return WatchedPlace(self)


class WatchedPlace(Place):
    """A place of such a chat."""

    def __init__(self, chat: WatchedChat) -> None:
        super().__init__(chat)
        self._watched = chat

    async def post(self, *arguments: Any, **named: Any) -> str:
        self._watched.points.reach("before post")
        await asyncio.sleep(0)
        done = await super().post(*arguments, **named)
        self._watched.points.reach("after post")
        return done

    async def edit(self, *arguments: Any, **named: Any) -> None:
        self._watched.points.reach("before edit")
        await asyncio.sleep(0)
        await super().edit(*arguments, **named)
        self._watched.points.reach("after edit")


Gesture = Callable[[Room], Awaitable[Any]]


async def nothing(_: Room) -> None:
    """Nobody does anything."""


async def stop(here: Room) -> None:
    await here.press(Button.STOP, "100")


async def say_stop(here: Room) -> None:
    try:
        await here.say(101, "stop", mentions_bot=False)
    except Stopping:  # nothing ran any more; it comes again
        return


async def edit(here: Room) -> None:
    await here.do(Edited(message(100, "Tell me something else")))


async def delete(here: Room) -> None:
    await here.do(Deleted(message(100, "").key))


async def ask(here: Room) -> bool:
    """Ask; False if the bot must be asked again."""
    try:
        await here.say(100, "Tell me")
    except Stopping:
        return False
    return True


async def first_life(directory: Path, claude: SimulatedClaude, chat: WatchedChat, at: int, gesture: Gesture) -> Points:
    """One life that is told to end at a point, while which somebody does something."""
    points = chat.points = Points(at)
    drain_s = 0.0 if gesture is nothing else DRAIN_S
    around = {"around": lambda store: watched(store, points), "drain_s": drain_s}
    async with room(directory, claude, chat, **around) as here, asyncio.timeout(120), asyncio.TaskGroup() as group:
        ends = [group.create_task(wait) for wait in (here.ended(100), points.told.wait())]
        asked = group.create_task(ask(here))
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        if points.told.is_set():
            end = group.create_task(here.engine.__aexit__(None, None, None))
            await asyncio.sleep(0)
            with suppress(Stopping):  # it was over; who pressed is told so
                await gesture(here)
            await end
        for task in (asked, *ends):
            task.cancel()
    chat.points = Points(-1)
    return points


async def second_life(directory: Path, claude: SimulatedClaude, chat: Chat) -> str:
    """The next process, until nothing is left to do; return the question's state."""
    async with room(directory, claude, chat) as here:
        await ask(here)  # a platform delivers again what was not taken
        await here.ended(100)
        turn = await here.store.turns.find(message(100, "").key)
        assert turn is not None
        assert await here.store.questions.unended() == []
        return turn.state


def judged(chat: Chat, state: str, gesture: Gesture, claude: SimulatedClaude) -> None:
    """See that what people see is right."""
    shown = "\n".join(chat.lines)
    assert not any(Button.STOP in m.buttons for m in chat.shown.values())
    if gesture is nothing:
        assert (shown, state) == (WHOLE, "delivered")
        assert claude.count <= 2
    elif gesture is edit:
        assert shown in {WHOLE, OTHER}
    elif gesture is delete:
        assert shown.strip("*") in {"", DELETED, WHOLE}
    else:
        answer = shown.replace(f"*{STOPPED}*", "").strip()
        assert WHOLE.startswith(answer)
        assert state == ("delivered" if answer == WHOLE and STOPPED not in shown else "stopped")
        seen = [text for text in chat.texts if STOPPED not in text]
        assert all(answer.startswith(text.strip()) for text in seen)
        assert claude.count <= 1 or gesture is say_stop


def answers(body: dict[str, Any]) -> Reply:
    text = OTHER if "something else" in str(body["messages"][-1]) else WHOLE
    return Reply(text=text, pieces=6, piece_s=0.005)


@pytest.mark.parametrize("gesture", [nothing, stop, say_stop, edit, delete])
async def test_wherever_a_turn_is_when_the_bot_is_told_to_end_the_end_is_right(
    tmp_path: Path, gesture: Gesture
) -> None:
    states: list[str] = []
    points = Points(-1)
    while not states or points.told.is_set():  # until a life has fewer points
        at = len(states)
        async with SimulatedClaude(otherwise=answers) as claude:
            chat = WatchedChat()
            points = await first_life(tmp_path / str(at), claude, chat, at, gesture)
            states.append(await second_life(tmp_path / str(at), claude, chat))
            try:
                judged(chat, states[-1], gesture, claude)
            except AssertionError as error:
                error.add_note(f"told to end at point {at}: {points.reached}")
                raise
    print(f"\n{len(states)} points: {Counter(states)}")
    assert len(states) > 15
    assert gesture in {nothing, edit} or "stopped" in states
