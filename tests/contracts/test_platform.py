"""What every platform promises."""

import asyncio
import time
from dataclasses import replace

import pytest
from contracts.stages import PlatformStage
from loop_clock import time_passes

from bot.errors import MediaError, Unreachable
from bot.events import Deleted, Edited, Incoming


async def test_what_people_say_is_handed_in_once_with_its_place_and_its_time(there: PlatformStage) -> None:
    before_s = there.platform.now_s()
    question = await there.question()
    assert question.key.platform == question.thread.platform == there.platform.name
    assert (question.text, question.mentions_bot, question.author.id != "") == ("hello", True, True)
    assert before_s - 2.0 <= question.sent_at_s <= there.platform.now_s() + 2.0
    assert [one.key for one in there.heard.of(Incoming) if one == question] == [question.key]


async def test_what_is_not_taken_is_delivered_again(there: PlatformStage) -> None:
    there.heard.refuses = 1
    async with asyncio.TaskGroup() as group:
        asking = group.create_task(there.question())
        await there.heard.refused.wait()
        time_passes(there.delivers_again_s)
    question = asking.result()
    assert there.heard.refuses == 0
    assert question in there.heard.of(Incoming)


async def test_an_edit_and_a_deletion_are_handed_in(there: PlatformStage) -> None:
    question = await there.question()
    await there.edit("good evening")
    [edited] = await there.heard.until(1, Edited)
    assert isinstance(edited, Edited)
    assert (edited.message.key, edited.message.text) == (question.key, "good evening")
    assert edited.message.sent_at_s == question.sent_at_s
    await there.delete()
    assert await there.heard.until(1, Deleted) == [Deleted(question.key)]


async def test_a_question_nobody_changed_is_as_it_was(there: PlatformStage) -> None:
    question = await there.question()
    assert await there.platform.current(question) is question


async def test_an_edited_question_has_its_new_words_and_still_its_files(there: PlatformStage) -> None:
    question = await there.question()
    await there.edit("good evening")
    await there.heard.until(1, Edited)
    now = await there.platform.current(question)
    assert now is not None
    assert now == replace(question, text="good evening", uploads=now.uploads)
    assert [upload.id for upload in now.uploads] == [upload.id for upload in question.uploads]


async def test_a_deleted_question_is_gone(there: PlatformStage) -> None:
    question = await there.question()
    await (await there.surface()).post("The answer", "mark.0")
    await there.delete()
    await there.heard.until(1, Deleted)
    assert await there.platform.current(question) is None


async def test_what_cannot_be_looked_up_is_not_taken_for_deleted(there: PlatformStage) -> None:
    question = await there.question()
    there.look_up_fails()
    with pytest.raises(Unreachable):
        await there.platform.current(question)


async def test_who_asked_is_told_as_they_are_now(there: PlatformStage) -> None:
    question = await there.question()
    now = await there.platform.author_now(question)
    assert (now.id, now.name) == (question.author.id, question.author.name)


async def test_a_file_is_given_whole_or_refused(there: PlatformStage) -> None:
    [upload] = (await there.question()).uploads
    assert upload.name == "a.txt"
    assert await there.platform.download(upload, 1) == b"a"
    with pytest.raises(MediaError):
        await there.platform.download(upload, 0)


async def test_where_an_answer_stands_is_told_by_the_address_whatever_is_answered(there: PlatformStage) -> None:
    question = await there.question()
    command = replace(question.key, message="a-command")
    surface = there.platform.surface(question.address, command)
    await surface.status("is thinking…")
    posted = await surface.post("The answer", "mark.0")
    assert [message.id for message in there.shown()] == [posted]
    assert await (await there.surface()).post("The answer", "mark.0", may_exist=True) == posted


async def test_the_clock_is_in_seconds_since_1970(there: PlatformStage) -> None:
    assert there.platform.now_s() == pytest.approx(time.time(), abs=60.0)


async def test_the_traits_tell_how_things_are(there: PlatformStage) -> None:
    traits, question = there.platform.traits, await there.question()
    opens = traits.threads_in_dms if question.direct else traits.opens_threads
    if not question.in_thread:
        assert (question.thread.thread == question.key.message) == opens
    assert "thinking" in traits.status.format("is thinking…")


async def test_the_traits_tell_what_is_found_again(there: PlatformStage) -> None:
    first = await (await there.surface()).post("One", "mark.0")
    may_exist = await (await there.surface()).post("One", "mark.0", may_exist=True)
    assert (may_exist == first) == there.platform.traits.finds_posts
    surface, question = await there.with_talk("one", "two")
    assert bool((await surface.earlier(question, 10)).said) == there.platform.traits.reads_history
