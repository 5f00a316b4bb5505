"""The sign that an answer is on its way stands aside for the answer."""

import asyncio

from bot.engine.answer.status import THINKING, Status


async def test_a_sign_that_still_waits_for_its_turn_is_given_up_once_there_is_something_to_read() -> None:
    status, shown = Status(), asyncio.Event()

    async def show() -> None:
        await asyncio.Event().wait()  # more urgent calls go first
        shown.set()

    showing = asyncio.create_task(status.unless_posted(show()))
    await asyncio.sleep(0)
    status.posted()
    await showing
    assert not shown.is_set()
    assert status.text == ""


async def test_what_a_tool_does_is_shown_beside_the_text() -> None:
    status, shown = Status(), asyncio.Event()
    status.say("searching the web…")

    async def show() -> None:
        await asyncio.sleep(0)
        shown.set()

    showing = asyncio.create_task(status.unless_posted(show()))
    await asyncio.sleep(0)
    status.posted()
    await showing
    assert shown.is_set()
    assert status.text != THINKING
