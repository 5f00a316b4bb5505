"""Each finished request of a turn is kept: whatever interrupts the turn, none is made, paid or acted on twice."""

import asyncio
import shutil
from pathlib import Path
from typing import Any

import pytest
from engine_room import Chat, Room, key, message, room

from bot.claude import AsyncChat, AsyncClient, mk_sdk
from bot.engine.answer.journal import text_of
from bot.events import Button
from bot.ports import Store
from bot.ports.store import Call
from bot.simulator.claude import Reply, SimulatedClaude

FIRST, REST = "I write it down for you.", "There it is, from the first line to the last."
WHOLE = f"{FIRST}\n\n{REST}"


def writes(name: str = "a.txt") -> Reply:
    given = {"type": "tool_use", "name": "give_file", "input": {"name": name, "content": "A"}}
    return Reply(blocks=[{"type": "text", "text": FIRST}, given])


def is_result(body: dict[str, Any]) -> bool:
    """Whether a request brings the result of a tool."""
    content = body["messages"][-1]["content"]
    return isinstance(content, list) and any(block.get("type") == "tool_result" for block in content)


def asked(claude: SimulatedClaude) -> list[bool]:
    """Of each request, whether it brings the result of a tool."""
    return [is_result(request.body) for request in claude.requests]


def texts(chat: Chat) -> list[str]:
    return [one.text for one in chat.shown.values() if one.file is None]


def files(chat: Chat) -> list[tuple[str, bytes | None]]:
    return [(one.text, one.file) for one in chat.shown.values() if one.file is not None]


def held() -> Reply:
    return Reply(pieces=[REST[:20], REST[20:]], stall_after=1)


async def test_a_stream_that_is_cut_after_a_tool_was_used_does_not_use_it_again(here: Room) -> None:
    here.claude.script(writes(), Reply(pieces=[REST[:20], REST[20:]], cut_after=1), Reply(text=REST))
    await here.say(100, "Give me a file")
    await here.ended(100, "delivered")
    assert texts(here.chat) == [WHOLE]
    assert files(here.chat) == [("a.txt", b"A")]
    assert asked(here.claude) == [False, True, True]
    assert here.claude.requests[2].body["messages"] == here.claude.requests[1].body["messages"]
    assert await here.store.usage.spent("fake:U1", 0.0) >= here.claude.billed_tokens
    history = await here.store.history.messages(message(100, "").thread)
    assert [said["role"] for said in history] == ["user", "assistant", "user", "assistant"]


@pytest.mark.parametrize("killed", [True, False])
async def test_a_turn_that_was_interrupted_goes_on_after_its_last_request(
    tmp_path: Path, claude: SimulatedClaude, killed: bool
) -> None:
    claude.script(writes(), held(), Reply(text=REST))
    chat, directory = Chat(), tmp_path / "life"
    async with room(directory, claude, chat) as here:
        await here.say(100, "Give me a file")
        await chat.until(lambda: any(REST[:20] in text for text in texts(chat)))
        if killed:
            shutil.copytree(directory, tmp_path / "next", ignore=shutil.ignore_patterns("*.lock"))
            directory = tmp_path / "next"
    async with room(directory, claude, chat) as here:
        await here.ended(100, "delivered")
        assert texts(chat) == [WHOLE]
        assert files(chat) == [("a.txt", b"A")]
        assert asked(claude) == [False, True, True]
        assert await here.store.usage.spent("fake:U1", 0.0) >= claude.billed_tokens
        turn = await here.store.turns.find(key("100"))
        assert turn is not None
        assert turn.outcome is not None
        assert turn.outcome.answer == WHOLE


async def test_what_was_written_before_a_tool_was_used_stays_when_the_rest_fails_after_a_restart(
    tmp_path: Path, claude: SimulatedClaude
) -> None:
    claude.script(writes(), held(), Reply(status=401, error_type="authentication_error"))
    chat = Chat()
    async with room(tmp_path, claude, chat) as here:
        await here.say(100, "Give me a file")
        await chat.until(lambda: any(REST[:20] in text for text in texts(chat)))
    async with room(tmp_path, claude, chat) as here:
        await here.ended(100, "failed")
        assert texts(chat)[0].startswith(f"{FIRST}\n\n{REST[:20]}")


@pytest.mark.parametrize("how", ["edited", "tried again"])
async def test_what_is_answered_anew_is_answered_from_its_beginning(here: Room, how: str) -> None:
    if how == "edited":
        here.claude.script(writes(), held(), Reply(text="Something else, and all of it."))
        await here.say(100, "Give me a file")
        await here.chat.until(lambda: any(REST[:20] in text for text in texts(here.chat)))
        await here.edit(100, "Give me none")
    else:
        refused = Reply(status=401, error_type="authentication_error")
        here.claude.script(writes(), refused, Reply(text="Something else, and all of it."))
        await here.say(100, "Give me a file")
        await here.ended(100, "failed")
        await here.press(Button.RETRY, "100")
    await here.ended(100, "delivered")
    assert texts(here.chat) == ["Something else, and all of it."]
    assert files(here.chat) == []
    assert asked(here.claude) == [False, True, False]


class Death:
    """A store that dies before or after its call number `at`: what is on the disk then is copied, and it hangs."""

    def __init__(self, directory: Path, left: Path, at: int) -> None:
        self._directory = directory
        self._left = left
        self._at = at
        self.points: list[str] = []
        self.begun, self.died = False, asyncio.Event()

    def around(self, store: Store) -> Store:
        return store.around(self._wrapped)

    def _wrapped(self, name: str, call: Call) -> Call:
        async def called(*arguments: Any, **named: Any) -> Any:
            await self._reach(f"before {name}")
            value = await call(*arguments, **named)
            await self._reach(f"after {name}")
            return value

        return called

    async def _reach(self, point: str) -> None:
        if self.died.is_set() or not self.begun:
            return
        self.points.append(point)
        if len(self.points) - 1 == self._at:
            shutil.copytree(self._directory, self._left, ignore=shutil.ignore_patterns("*.lock"))
            self.died.set()
            await asyncio.Event().wait()


def answers(body: dict[str, Any]) -> Reply:
    return Reply(text=REST) if is_result(body) else writes()


async def life(directory: Path, left: Path, claude: SimulatedClaude, chat: Chat, at: int) -> Death:
    death = Death(directory, left, at)
    async with room(directory, claude, chat, around=death.around) as here, asyncio.TaskGroup() as group:
        death.begun = True
        asking = group.create_task(here.say(100, "Give me a file"))
        ends = [group.create_task(end) for end in (here.ended(100), death.died.wait())]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for task in (asking, *ends):
            task.cancel()
    return death


async def test_wherever_the_process_dies_no_finished_request_is_made_again(tmp_path: Path) -> None:
    at, death = 0, None
    while death is None or death.died.is_set():
        async with SimulatedClaude(otherwise=answers) as claude:
            chat, left = Chat(), tmp_path / f"{at} left"
            death = await life(tmp_path / f"{at}", left, claude, chat, at)
            before = list(death.points)
            async with room(left if death.died.is_set() else tmp_path / f"{at}", claude, chat) as here:
                await here.say(100, "Give me a file")
                await here.ended(100, "delivered")
                used = await here.store.usage.spent("fake:U1", 0.0)
            try:
                assert texts(chat) == [WHOLE]
                assert files(chat) == [("a.txt", b"A")]
                assert asked(claude).count(False) <= (1 if "after steps.add" in before else 2)
                assert used >= claude.billed_tokens
            except AssertionError as error:
                error.add_note(f"died {at}: {before}")
                raise
        at += 1
    assert at > 20
    assert "after steps.add" in before


async def test_the_text_of_messages_is_what_came_of_them(claude: SimulatedClaude) -> None:
    given = {"type": "tool_use", "name": "look", "input": {}}
    text = [{"type": "text", "text": part} for part in ("One,", "two.", "Three.", "Four.")]
    claude.script(
        Reply(blocks=[text[0], text[1], given]), Reply(blocks=[given]), Reply(blocks=[text[2], given, text[3]]),
        Reply(text="Five."),
    )  # fmt: skip

    def look() -> str:
        """Look."""
        return "seen"

    sdk = mk_sdk(api_key=claude.api_key, base_url=claude.base_url)
    try:
        chat = AsyncChat(cli=AsyncClient("claude-sonnet-5-5", cli=sdk), tools=[look])
        stream = chat.toolloop("Go")
        await stream
        assert text_of(chat.h) == stream.text
    finally:
        await sdk.close()
