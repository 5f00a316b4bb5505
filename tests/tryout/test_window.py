"""The chat window of `parley try`, driven by its keys as a newcomer would."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output import DummyOutput
from pydantic import SecretStr

from bot.errors import ParleyError
from bot.simulator.claude import Pace
from bot.simulator.pictures import picture
from bot.tryout.window import ChatWindow, attached
from bot.tryout.world import World, world


@pytest.fixture
async def here() -> AsyncIterator[World]:
    async with world(SecretStr(""), Pace()) as started:
        yield started


@pytest.fixture
def keyboard() -> Iterator[PipeInput]:
    with create_pipe_input() as pipe, create_app_session(input=pipe, output=DummyOutput()):
        yield pipe


@asynccontextmanager
async def open_window(here: World, keyboard: PipeInput) -> AsyncIterator[ChatWindow]:
    window = ChatWindow(here)
    running = asyncio.create_task(window.run())
    yield window
    keyboard.send_text("\x04")
    async with asyncio.timeout(120):
        await running


def shown(window: ChatWindow) -> str:
    return "".join(fragment[1] for fragment in [*window._bar(), *window._talk(), window._news])


async def until(window: ChatWindow, text: str) -> None:
    """Wait until the window shows a text; it is drawn again at every change."""
    drawn = asyncio.Event()
    window._app.after_render += lambda _: drawn.set()
    async with asyncio.timeout(120):
        while text not in shown(window):
            drawn.clear()
            await drawn.wait()


async def test_a_mention_is_answered_and_the_window_follows_into_the_thread(here: World, keyboard: PipeInput) -> None:
    async with open_window(here, keyboard) as window:
        keyboard.send_text("@parley Hello there\r")
        await until(window, "> Hello there")
        assert "Discord #general › thread" in shown(window)
        keyboard.send_text("And again\r")
        await until(window, "> And again")


async def test_a_line_that_mentions_nobody_says_what_to_do(here: World, keyboard: PipeInput) -> None:
    async with open_window(here, keyboard) as window:
        keyboard.send_text("hello?\r")
        await until(window, "mention the bot with @parley")


async def test_an_image_is_attached_by_its_path(here: World, keyboard: PipeInput, tmp_path: Path) -> None:
    file = tmp_path / "a picture.png"
    file.write_bytes(picture(64, 48, "red"))
    async with open_window(here, keyboard) as window:
        keyboard.send_text("/4\r")
        keyboard.send_text(f"/image '{file}' What is it?\r")
        await until(window, "mostly red")
        assert "[a picture.png]" in shown(window)


async def test_mistakes_are_told_in_the_window(here: World, keyboard: PipeInput) -> None:
    async with open_window(here, keyboard) as window:
        for line, told in {
            "/image": "Say which file",
            "/image /no/such/file": "cannot be read",
            "/as Nobody": "Only Ada and Grace",
            "/fly": "There is no /fly",
        }.items():
            keyboard.send_text(f"{line}\r")
            await until(window, told)


async def test_the_bot_can_be_restarted_from_the_window(here: World, keyboard: PipeInput) -> None:
    async with open_window(here, keyboard) as window:
        keyboard.send_text("/restart\r")
        await until(window, "goes on from its database")
        keyboard.send_text("/2\r")
        keyboard.send_text("Are you back?\r")
        await until(window, "> Are you back?")


def test_a_path_may_have_spaces_and_the_line_follows(tmp_path: Path) -> None:
    file = tmp_path / "x.png"
    file.write_bytes(b"data")
    assert attached(f'"{file}" and a line') == ("and a line", [("x.png", b"data")])
    with pytest.raises(ParleyError, match="Say which file"):
        attached('"')


async def test_buttons_are_shown_and_can_be_pressed(here: World, keyboard: PipeInput) -> None:
    async with open_window(here, keyboard) as window:
        keyboard.send_text("@parley Hello there\r")
        await until(window, "[ Retry ]")
        keyboard.send_text("/continue\r")
        await until(window, "no Continue button")
        keyboard.send_text("/retry\r")
        await here.claude.until(lambda: here.claude.count == 2)
