"""What was seen of an answer stays, whatever happens to the process: it is told to end, it ends, it dies."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from engine_room import Chat, Room, message, room

from bot.engine.sentences import DELETED, GIVEN_UP, RESTARTING, STOPPED
from bot.errors import Stopping
from bot.events import Button, Deleted, Edited, Pressed
from bot.simulator.claude import Reply, SimulatedClaude

HALF = "This is the first half of it, and"
WHOLE = "This is a new answer from beginning to end, and it is long enough."


def held() -> Reply:
    """An answer that stops growing after its first half until somebody leaves."""
    return Reply(pieces=[HALF, " this is the second."], stall_after=1)


def silent() -> Reply:
    return Reply(pieces=["Never said."], first_token_s=60.0)


async def growing(here: Room, number: int = 100) -> str:
    """Ask, and return the id of the message in which the half answer stands."""
    before = set(here.chat.shown)
    await here.say(number, "Tell me")
    await here.chat.until(lambda: any(HALF in m.text for i, m in here.chat.shown.items() if i not in before))
    return next(i for i in here.chat.shown if i not in before)


@asynccontextmanager
async def told_to_end(here: Room) -> AsyncIterator[None]:
    """The bot is told to end, and lets running answers end meanwhile; afterwards it has ended."""
    async with asyncio.timeout(120), asyncio.TaskGroup() as group:
        group.create_task(here.engine.__aexit__(None, None, None))
        await asyncio.sleep(0)  # it has begun
        yield


async def said_in_history(here: Room) -> str:
    return str((await here.store.history.messages(message(100, "").thread))[-1]["content"])


STOPS: list[Callable[[Room, str], Awaitable[object]]] = [
    lambda here, answer: here.press(Button.STOP, answer),
    lambda here, answer: here.press(Button.STOP, "100"),  # noqa: ARG005 - the reaction on the question
    lambda here, answer: here.say(101, "stop", mentions_bot=False),  # noqa: ARG005
]


@pytest.mark.parametrize("stop", STOPS)
async def test_while_running_answers_may_end_a_stop_is_obeyed_and_they_end_sooner(
    tmp_path: Path, claude: SimulatedClaude, stop: Callable[[Room, str], Awaitable[object]]
) -> None:
    claude.script(held())
    async with room(tmp_path, claude, drain_s=600.0) as here:
        answer = await growing(here)
        async with told_to_end(here):
            await stop(here, answer)
        [shown] = here.chat.shown.values()
        assert shown.text.startswith(HALF)
        assert STOPPED in shown.text
        assert shown.buttons == (Button.RETRY,)
        assert HALF in await said_in_history(here)
    async with room(tmp_path, claude, here.chat) as here:
        assert await here.store.questions.unended() == []
    assert claude.count == 1


async def test_while_running_answers_may_end_nothing_new_is_begun(tmp_path: Path, claude: SimulatedClaude) -> None:
    claude.script(held(), Reply(text=WHOLE))
    async with room(tmp_path, claude, drain_s=600.0) as here:
        answer = await growing(here)
        async with told_to_end(here):
            with pytest.raises(Stopping):
                await here.say(101, "One more question")
            assert await here.press(Button.RETRY, answer) == RESTARTING
            await here.press(Button.STOP, answer)
        with pytest.raises(Stopping):
            await here.say(101, "One more question")
    assert claude.count == 1
    async with room(tmp_path, claude, here.chat) as here:
        await here.say(101, "One more question")  # it is delivered again
        await here.ended(101, "delivered")


async def test_a_question_edited_while_running_answers_may_end_is_answered_by_the_next_process(
    tmp_path: Path, claude: SimulatedClaude
) -> None:
    claude.script(held(), Reply(text=WHOLE))
    async with room(tmp_path, claude, drain_s=600.0) as here:
        await growing(here)
        async with told_to_end(here):
            await here.do(Edited(message(100, "Tell me something else")))
            await claude.next_disconnect()
        assert [m.text for m in here.chat.shown.values()] == [HALF]
    async with room(tmp_path, claude, here.chat) as here:
        await here.ended(100, "delivered")
        assert "something else" in here.prompt()
        assert here.chat.lines == [WHOLE]
    assert claude.count == 2


async def test_a_question_deleted_while_running_answers_may_end_is_taken_back_at_once(
    tmp_path: Path, claude: SimulatedClaude
) -> None:
    claude.script(held())
    async with room(tmp_path, claude, drain_s=600.0) as here:
        await growing(here)
        async with told_to_end(here):
            await here.do(Deleted(message(100, "").key))
        assert [line.strip("*_ ") for line in here.chat.lines] == [DELETED]
    async with room(tmp_path, claude, here.chat) as here:
        assert await here.store.questions.unended() == []
    assert claude.count == 1


async def test_an_answer_that_is_stopped_after_a_restart_keeps_what_was_shown_before(
    tmp_path: Path, claude: SimulatedClaude
) -> None:
    claude.script(held(), silent())
    async with room(tmp_path, claude) as here:
        answer = await growing(here)
    async with room(tmp_path, claude, here.chat) as here:
        await here.press(Button.STOP, answer)
        await here.ended(100, "stopped")
        assert here.chat.shown[answer].text.startswith(HALF)
        assert STOPPED in here.chat.shown[answer].text
        assert HALF in await said_in_history(here)
    assert HALF in here.chat.texts[-1]


async def test_a_stop_is_not_forgotten_by_a_process_that_dies_before_it_has_obeyed(
    tmp_path: Path, claude: SimulatedClaude
) -> None:
    claude.script(held())
    async with room(tmp_path, claude) as here:
        answer = await growing(here)
        await here.store.signals.stop(message(100, "").key)
    async with room(tmp_path, claude, here.chat) as here:
        await here.ended(100, "stopped")
        assert here.chat.shown[answer].text.startswith(HALF)
        assert STOPPED in here.chat.shown[answer].text
    assert claude.count == 1


async def test_an_answer_that_cannot_go_on_after_a_restart_keeps_what_was_shown_before(
    tmp_path: Path, claude: SimulatedClaude
) -> None:
    claude.script(held(), Reply(status=401, error_type="authentication_error"), Reply(text=WHOLE))
    async with room(tmp_path, claude) as here:
        answer = await growing(here)
    async with room(tmp_path, claude, here.chat) as here:
        await here.ended(100, "failed")
        assert here.chat.shown[answer].text.startswith(HALF)
        assert "refuses the bot's key" in here.chat.shown[answer].text
        assert here.chat.shown[answer].buttons == (Button.RETRY,)
        assert HALF in await said_in_history(here)
        await here.press(Button.RETRY, answer)
        await here.ended(100, "delivered")
        assert here.chat.lines == [WHOLE]
        assert HALF not in here.prompt()


async def test_an_answer_stopped_before_it_is_answered_anew_stays_as_it_was(here: Room) -> None:
    here.claude.script(Reply(text=WHOLE), silent())
    await here.say(100, "Tell me")
    await here.ended(100, "delivered")
    [answer] = here.chat.shown
    await here.press(Button.RETRY, answer)
    await here.claude.until(lambda: here.claude.count == 2)
    await here.press(Button.STOP, answer)
    await here.ended(100, "stopped")
    assert here.chat.shown[answer].text.startswith(WHOLE)


async def dies(directory: Path, claude: SimulatedClaude, chat: Chat, numbers: tuple[int, ...] = ()) -> Path:
    """One life in which the answers come half-way; return what a process that was killed then leaves on the disk."""
    async with room(directory, claude, chat) as here:
        asked = claude.count
        for number in numbers:
            await here.say(number, "Tell me", thread=f"T{number}")
        await claude.until(lambda: claude.count > asked)
        await chat.until(lambda: sum(HALF in line for line in chat.lines) >= max(1, len(numbers)))
        left = directory.with_name(f"{directory.name}+")
        shutil.copytree(directory, left, ignore=shutil.ignore_patterns("*.lock"))
    return left


async def test_a_turn_that_two_processes_died_of_is_given_up_with_a_sentence(
    tmp_path: Path, claude: SimulatedClaude
) -> None:
    claude.script(held(), held(), Reply(text=WHOLE))
    chat = Chat()
    first = await dies(tmp_path / "life", claude, chat, (100,))
    second = await dies(first, claude, chat)
    async with room(second, claude, chat) as here:
        await here.ended(100, "failed")
        [shown] = chat.shown.values()
        assert shown.text.startswith(HALF)
        assert GIVEN_UP in shown.text
        assert shown.buttons == (Button.RETRY,)
        assert claude.count == 2
        await here.do(Pressed(message(100, "").key, Button.RETRY, message(100, "").author))
        await here.ended(100, "delivered")
        assert chat.lines == [WHOLE]


async def test_a_turn_that_was_interrupted_in_good_order_is_answered_however_often(
    tmp_path: Path, claude: SimulatedClaude
) -> None:
    claude.script(held(), held(), held(), Reply(text=WHOLE))
    chat = Chat()
    async with room(tmp_path, claude, chat) as here:
        await growing(here)
    for count in (2, 3):
        async with room(tmp_path, claude, chat) as here:
            await claude.until(lambda count=count: claude.count == count)
    async with room(tmp_path, claude, chat) as here:
        await here.ended(100, "delivered")
    assert chat.lines == [WHOLE]


async def test_a_death_is_shared_out_among_all_turns_that_were_at_work(tmp_path: Path, claude: SimulatedClaude) -> None:
    numbers = (100, 101, 102)
    claude.script(*[held()] * 6, *[Reply(text=WHOLE)] * 3)
    chat = Chat()
    first = await dies(tmp_path / "life", claude, chat, numbers)
    second = await dies(first, claude, chat)
    async with room(second, claude, chat) as here:
        for number in numbers:
            await here.ended(number, "delivered")
    assert chat.lines == [WHOLE] * 3


async def test_where_processes_die_whatever_they_work_at_no_turn_is_to_blame(
    tmp_path: Path, claude: SimulatedClaude
) -> None:
    """Three processes died of others before: somebody ends them, and the next two deaths say nothing of a new turn."""
    chat, directory = Chat(), tmp_path / "life"
    for number in (97, 98, 99):
        claude.script(held(), Reply(text=WHOLE))
        directory = await dies(directory, claude, chat, (number,))
        async with room(directory, claude, chat) as here:
            await here.ended(number, "delivered")
    claude.script(held(), held(), Reply(text=WHOLE))
    first = await dies(directory, claude, chat, (100,))
    second = await dies(first, claude, chat)
    async with room(second, claude, chat) as here:
        await here.ended(100, "delivered")
