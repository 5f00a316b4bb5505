"""A question is looked up again: nobody may have changed it, somebody may have edited it, or it is gone."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Any

import pytest

from bot.errors import PlatformError
from bot.events import Edited

Connected = Callable[..., AbstractAsyncContextManager[Any]]


async def test_a_question_nobody_changed_is_as_it_was(connected: Connected) -> None:
    async with connected() as scene:
        question = await scene.asked("{bot} ask {ben} about this", files=[("a.txt", b"a")])
        await scene.discord.unfurl(question.key.message)
        assert await scene.platform.current(question) is question


async def test_an_edited_question_has_its_new_words_and_still_its_files(connected: Connected) -> None:
    async with connected() as scene:
        question = await scene.asked("{bot} one", files=[("a.txt", b"a")])
        await scene.discord.edit(
            scene.ann, question.key.message, f"{scene.discord.app.mention} ask {scene.ben.mention}"
        )
        await scene.heard.next(Edited)
        now = await scene.platform.current(question)
        assert now == replace(question, text="ask @Ben", uploads=now.uploads)
        assert [upload.id for upload in now.uploads] == [upload.id for upload in question.uploads]


async def test_a_question_in_a_place_that_is_closed_to_the_bot_is_not_taken_for_deleted(connected: Connected) -> None:
    async with connected() as scene:
        question = await scene.asked()
        scene.discord.kick_bot(scene.guild)
        with pytest.raises(PlatformError):
            await scene.platform.current(question)


async def test_the_message_below_which_somebody_pressed_continue_is_no_edited_question(connected: Connected) -> None:
    async with connected() as scene:
        question = await scene.asked()
        surface = scene.at(question)
        answer = await surface.post("The beginning", "mark.0")
        await surface.edit(answer, "The beginning, and more")
        thread = question.thread.thread
        pressed = replace(question, key=replace(question.key, channel=thread, message=answer), text="Go on.")
        assert await scene.platform.current(pressed) is pressed


async def test_a_question_that_was_edited_to_a_bare_mention_has_no_words_left(connected: Connected) -> None:
    async with connected() as scene:
        question = await scene.asked("{bot} one")
        await scene.discord.edit(scene.ann, question.key.message, scene.discord.app.mention)
        await scene.heard.next(Edited)
        assert await scene.platform.current(question) == replace(question, text="")
