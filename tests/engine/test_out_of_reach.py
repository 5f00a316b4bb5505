"""A platform that stays out of reach for longer than one answer is patient."""

import asyncio
from itertools import pairwise
from pathlib import Path

from engine_room import Chat, message, room
from reply_fakes import run as in_virtual_time

from bot.engine.turns.line import Waiting, take_next
from bot.engine.turns.running_turn import RunningTurn
from bot.engine.turns.scheduler import Scheduler
from bot.events import Outcome, Turn, TurnState
from bot.simulator.claude import Reply, SimulatedClaude

AT_ONCE = {"back_off_s": (0.0,)}


def turn(number: int, state: TurnState = TurnState.ACCEPTED) -> Turn:
    outcome = Outcome("An answer.") if state is TurnState.ANSWERED else None
    return Turn((message(number, "Well?"),), state, outcome=outcome)


async def test_an_answer_that_could_not_be_shown_is_shown_when_the_platform_is_back_and_is_not_paid_twice(
    tmp_path: Path, claude: SimulatedClaude
) -> None:
    claude.script(Reply(text="The first answer."), Reply(text="The second answer."))
    chat = Chat(shows_nothing=True)
    async with room(tmp_path, claude, chat, **AT_ONCE) as here:
        await here.say(1, "First?")
        await chat.until(lambda: chat.refused >= 2)
        chat.shows_nothing = False
        await here.say(2, "Second?")
        await here.ended(1, TurnState.DELIVERED)
        await here.ended(2, TurnState.DELIVERED)
        assert chat.lines == ["The first answer.", "The second answer."]
        assert claude.count == 2


async def test_what_was_half_shown_is_completed_in_the_same_message(tmp_path: Path, claude: SimulatedClaude) -> None:
    gate = asyncio.Event()
    claude.script(Reply(pieces=["A beginning of some length, ", "and the end."], gate=gate, gate_at=1))
    chat = Chat()
    async with room(tmp_path, claude, chat, **AT_ONCE) as here:
        await here.say(1, "First?")
        await chat.until(lambda: bool(chat.shown))
        chat.shows_nothing = True
        gate.set()
        await chat.until(lambda: chat.refused >= 2)
        chat.shows_nothing = False
        await here.say(2, "Second?")
        await here.ended(1, TurnState.DELIVERED)
        assert chat.lines[0] == "A beginning of some length, and the end."


async def test_when_nothing_can_be_reached_the_question_is_asked_again_and_not_given_up(
    tmp_path: Path, claude: SimulatedClaude
) -> None:
    claude.script(Reply(status=400), Reply(text="The first answer."), Reply(text="The second answer."))
    chat = Chat(shows_nothing=True)
    async with room(tmp_path, claude, chat, **AT_ONCE) as here:
        await here.say(1, "First?")
        await chat.until(lambda: chat.refused >= 2)
        chat.shows_nothing = False
        await here.say(2, "Second?")
        await here.ended(1, TurnState.DELIVERED)
        await here.ended(2, TurnState.DELIVERED)
        assert chat.lines == ["The first answer.", "The second answer."]


async def test_a_question_deleted_while_its_answer_could_not_be_shown_gets_none(
    tmp_path: Path, claude: SimulatedClaude
) -> None:
    claude.script(Reply(text="The first answer."), Reply(text="The second answer."))
    chat = Chat(shows_nothing=True)
    async with room(tmp_path, claude, chat, **AT_ONCE) as here:
        await here.say(1, "First?")
        await chat.until(lambda: chat.refused >= 2)
        chat.shows_nothing = False
        await here.delete(1)
        await here.say(2, "Second?")
        await here.ended(2, TurnState.DELIVERED)
        assert "The first answer." not in chat.lines


async def test_a_bot_that_is_stopped_meanwhile_shows_it_at_its_next_start(
    tmp_path: Path, claude: SimulatedClaude
) -> None:
    claude.script(Reply(text="The first answer."))
    chat = Chat(shows_nothing=True)
    async with room(tmp_path, claude, chat, **AT_ONCE) as here:
        await here.say(1, "First?")
        await chat.until(lambda: chat.refused >= 2)
    chat.shows_nothing = False
    async with room(tmp_path, claude, chat) as here:
        await here.ended(1, TurnState.DELIVERED)
        assert chat.lines == ["The first answer."]
        assert claude.count == 1


def test_it_is_tried_again_ever_more_rarely_until_it_is_shown() -> None:
    times: list[float] = []

    async def main() -> None:
        shown = asyncio.Event()

        async def answer(_: RunningTurn) -> Turn | None:
            times.append(asyncio.get_running_loop().time())
            if len(times) < 8:
                return turn(1, TurnState.ANSWERED)
            shown.set()
            return None

        async with Scheduler(answer) as scheduler:
            scheduler.put(turn(1))
            await shown.wait()

    in_virtual_time(main())
    assert [round(later - at) for at, later in pairwise(times)] == [15, 30, 60, 120, 240, 300, 300]


def test_what_cannot_be_shown_twice_lets_newer_questions_go_first() -> None:
    stuck = turn(1, TurnState.ANSWERED)
    assert take_next([Waiting(turn(2)), Waiting(stuck, tried=1)]).turn == stuck
    line = [Waiting(stuck, tried=2), Waiting(turn(2))]
    assert take_next(line).turn == turn(2)
    assert take_next(line).turn == stuck
