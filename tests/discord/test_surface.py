"""What the bot posts on Discord, seen by the people there."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from loop_clock import time_passes

from bot.errors import Forbidden, Gone, MediaError, RateLimited, Rejected, Unreachable
from bot.events import Button, Earlier
from bot.simulator.faults import Fault

Connected = Callable[..., AbstractAsyncContextManager[Any]]

POST = "POST /channels/*/messages"


def texts(scene: Any, channel: str) -> list[str]:
    return [message.content for message in scene.discord.messages(channel)]


async def test_the_answer_to_a_mention_stands_in_a_thread_on_it(connected: Connected) -> None:
    async with connected() as scene:
        question = await scene.asked("{bot} what is **the** plan?\nIn detail.")
        surface = scene.at(question)
        first = await surface.post("One.", "mark.0")
        await surface.post("Two.", "mark.1")
        await surface.edit(first, "Edited.")
        [thread] = scene.discord.threads(scene.channel)
        assert (thread.id, thread.name) == (question.key.message, "what is the plan? In detail.")
        assert texts(scene, thread.id) == ["Edited.", "Two."]
        assert [message.reference for message in scene.discord.messages(thread.id)] == [None, None]
        assert surface.limits.posts.scope == f"discord:{thread.id}:post"
        assert surface.limits.edits.scope == f"discord:{thread.id}:edit"


async def test_a_long_question_gives_the_thread_a_name_that_fits(connected: Connected) -> None:
    async with connected() as scene:
        question = await scene.asked("{bot} " + "word " * 100)
        await scene.at(question).post("Yes.", "mark.0")
        [thread] = scene.discord.threads(scene.channel)
        assert len(thread.name) <= 100
        assert thread.name.endswith("word…")


async def test_a_restart_finds_the_thread_that_is_there(connected: Connected) -> None:
    async with connected() as scene:
        question = await scene.asked()
        await scene.at(question).post("One.", "mark.0")
        await scene.at(question).post("Two.", "mark.1")
        [thread] = scene.discord.threads(scene.channel)
        assert texts(scene, thread.id) == ["One.", "Two."]


async def test_where_no_thread_can_be_opened_the_answer_is_a_reply_in_the_channel(connected: Connected) -> None:
    async with connected() as scene:
        scene.discord.deny("create_thread")
        question = await scene.asked()
        surface = scene.at(question)
        first = await surface.post("One.", "mark.0")
        await surface.post("Two.", "mark.1")
        await surface.edit(first, "Edited.")
        _, one, two = scene.discord.messages(scene.channel)
        assert (one.content, two.content) == ("Edited.", "Two.")
        assert one.reference == two.reference == question.key.message
        assert not one.pinged | two.pinged
        assert surface.limits.posts.scope == f"discord:{scene.channel}:post"


async def test_in_a_guild_with_too_many_threads_the_answer_is_a_reply_in_the_channel(connected: Connected) -> None:
    async with connected() as scene:
        await scene.discord.open_thread(scene.ben, scene.channel, "Talk")
        scene.discord.settings.most_active_threads = 1
        question = await scene.asked()
        await scene.at(question).post("One.", "mark.0")
        assert texts(scene, scene.channel)[-1] == "One."
        assert len(scene.discord.threads(scene.channel)) == 1


@pytest.mark.parametrize("in_doubt", [False, True])
async def test_an_answer_begun_in_the_channel_goes_on_there_although_a_thread_could_be_opened_now(
    connected: Connected, *, in_doubt: bool
) -> None:
    async with connected() as scene:
        scene.discord.settings.most_active_threads = 0
        question = await scene.asked()
        first = await scene.at(question).post("On", "mark.0")
        scene.discord.settings.most_active_threads = 1000
        later = scene.at(question)
        if in_doubt:
            await later.status("Reading …")
            assert await later.post("One.", "new mark.0", may_exist=True) == first
        else:
            await later.edit(first, "One.")
        await later.post("Two.", "mark.1", may_exist=True)
        assert texts(scene, scene.channel)[1:] == ["One.", "Two."]
        assert all(texts(scene, thread.id) == [] for thread in scene.discord.threads(scene.channel))


async def test_a_question_deleted_meanwhile_is_answered_all_the_same(connected: Connected) -> None:
    async with connected() as scene:
        dm = scene.discord.dm(scene.ann)
        question = await scene.asked("hello", dm)
        await scene.discord.delete(question.key.message)
        await scene.at(question).post("Hello.", "mark.0")
        assert texts(scene, dm) == ["Hello."]


async def test_what_was_posted_for_a_question_that_was_deleted_meanwhile_is_found_in_its_thread(
    connected: Connected,
) -> None:
    async with connected() as scene:
        question = await scene.asked()
        first = await scene.at(question).post("The first", "mark.0")
        await scene.discord.delete(question.key.message)
        assert await scene.at(question).post("Deleted.", "mark.0", may_exist=True) == first
        assert texts(scene, question.key.message) == ["Deleted."]


async def test_or_in_the_channel_where_no_thread_could_be_opened_and_what_is_nowhere_is_not_posted_anew(
    connected: Connected,
) -> None:
    async with connected() as scene:
        question, unanswered = await scene.asked(), await scene.asked()
        scene.discord.faults.add(Fault("POST /channels/*/messages/*/threads", status=400, body={"code": 160002}))
        first = await scene.at(question).post("The first", "mark.0")
        for one in (question, unanswered):
            await scene.discord.delete(one.key.message)
        assert await scene.at(question).post("Deleted.", "mark.0", may_exist=True) == first
        assert texts(scene, scene.channel)[-1] == "Deleted."
        with pytest.raises(Gone):
            await scene.at(unanswered).post("Deleted.", "mark.1", may_exist=True)


async def test_nothing_the_bot_writes_pings_or_unfurls(connected: Connected) -> None:
    async with connected() as scene:
        question = await scene.asked()
        surface = scene.at(question)
        role = scene.discord.role(scene.guild, "editor")
        text = f"@everyone @here {scene.ben.mention} <@&{role}> https://evil.example/?q=1"
        message_id = await surface.post(text, "mark.0")
        await surface.edit(message_id, text + " again")
        await surface.edit(message_id, text + " and again https://evil.example/2")
        [message] = scene.discord.messages(question.key.message)
        assert message.content == text + " and again https://evil.example/2"
        assert message.pinged == set()
        assert message.previewed == set()
        assert message.allowed_mentions is not None


async def test_a_bad_gateway_makes_no_second_message(connected: Connected) -> None:
    async with connected() as scene:
        dms = [scene.discord.dm(person) for person in (scene.ann, scene.ben)]
        questions = [await scene.asked("hello", dms[0])]
        await scene.discord.say(scene.ben, dms[1], "hello")
        questions.append(await scene.heard.next())
        scene.discord.faults.add(
            Fault(f"POST /channels/{dms[0]}/messages", status=502, after=True),
            Fault(f"POST /channels/{dms[1]}/messages", status=502),
        )
        posts = (scene.at(question).post("Once.", f"{question.key.message}.0") for question in questions)
        await asyncio.gather(*posts)
        assert [texts(scene, dm) for dm in dms] == [["hello", "Once."]] * 2


@pytest.mark.parametrize(
    "fault",
    [Fault(POST, status=503, after=True), Fault(POST, drop=True, after=True), Fault(POST, drop=True)],
    ids=["503 after it landed", "lost response", "lost request"],
)
async def test_row_5_a_post_of_unknown_outcome_is_made_once_when_repeated(connected: Connected, fault: Fault) -> None:
    async with connected() as scene:
        question = await scene.asked()
        surface = scene.at(question)
        await surface.post("Zero.", "mark.0")
        scene.discord.faults.add(fault)
        with pytest.raises(Unreachable):
            await surface.post("Once.", "mark.1")
        await surface.post("Once, and more.", "mark.1", may_exist=True)
        assert texts(scene, question.key.message) == ["Zero.", "Once, and more."]


async def test_the_same_mark_makes_one_message_even_without_asking(connected: Connected) -> None:
    async with connected() as scene:
        question = await scene.asked()
        marks = ["mark.0", "a mark that is far too long for a nonce of Discord.1"]
        for idempotency_key in marks:
            first = await scene.at(question).post("Once.", idempotency_key)
            assert await scene.at(question).post("Once.", idempotency_key) == first
        assert texts(scene, question.key.message) == ["Once.", "Once."]


@pytest.mark.parametrize("place", ["new thread", "thread", "channel", "dm"])
async def test_row_8_a_later_process_finds_what_was_posted_when_nonces_are_forgotten(
    connected: Connected, place: str
) -> None:
    """A nonce is kept for some minutes; another mark with the same part number stands for one that was forgotten."""
    async with connected(limits=False) as scene:
        where = ""
        if place == "thread":
            where = await scene.discord.open_thread(scene.ann, scene.channel, "Talk")
        elif place == "dm":
            where = scene.discord.dm(scene.ann)
        elif place == "channel":
            scene.discord.deny("create_thread")
        earlier = await scene.asked("{bot} first", where)
        before = scene.at(earlier)
        await before.post("Answer to the first.", "first.0")
        question = await scene.asked("{bot} second", where)
        await before.post("Its second page, late.", "first.1")
        surface = scene.at(question)
        ids = [await surface.post("Page one.", "old.0"), await surface.post("Page t", "old.1")]
        later = scene.at(question)
        assert await later.post("Page one.", "new.0", may_exist=True) == ids[0]
        assert await later.post("Page two.", "new.1", may_exist=True) == ids[1]
        third = await later.post("Page three.", "new.2", may_exist=True)
        answers = [m.content for m in scene.discord.messages(later_place(scene, question)) if m.author.bot]
        assert answers[-3:] == ["Page one.", "Page two.", "Page three."]
        assert third not in ids
        assert answers.count("Its second page, late.") == (0 if place == "new thread" else 1)


async def test_answers_that_mix_in_a_channel_are_told_apart(connected: Connected) -> None:
    async with connected(limits=False) as scene:
        scene.discord.deny("create_thread")
        questions = [await scene.asked(f"{{bot}} {number}") for number in range(2)]
        surfaces = [scene.at(question) for question in questions]
        ids: list[list[str]] = [[], []]
        for part in range(3):
            for number, surface in enumerate(surfaces):
                ids[number].append(await surface.post(f"{part}", f"old{number}.{part}"))
        for number, question in enumerate(questions):
            later = scene.at(question)
            assert [await later.post(f"{part}", f"new{number}.{part}", may_exist=True) for part in range(3)] == ids[
                number
            ]


def later_place(scene: Any, question: Any) -> str:
    threads = {thread.id for thread in scene.discord.threads(scene.channel)}
    return question.key.message if question.key.message in threads else question.key.channel


async def test_when_history_cannot_be_read_the_nonce_still_holds(connected: Connected) -> None:
    async with connected() as scene:
        scene.discord.deny("read_history")
        question = await scene.asked()
        surface = scene.at(question)
        first = await surface.post("Once.", "mark.0")
        assert await scene.at(question).post("Once more.", "mark.0", may_exist=True) == first
        assert texts(scene, question.key.message) == ["Once more."]


async def test_while_what_was_posted_cannot_be_looked_up_nothing_is_posted_again(
    connected: Connected,
) -> None:
    async with connected() as scene:
        question = await scene.asked()
        first = await scene.at(question).post("Once.", "mark.0")
        slow = {"message": "You are being rate limited.", "retry_after": 100.0, "global": False}
        scene.discord.faults.add(Fault("GET /channels/*/messages", status=429, body=slow))
        with pytest.raises(RateLimited):
            await scene.at(question).post("Once more.", "mark.0", may_exist=True)
        assert texts(scene, question.key.message) == ["Once."]
        time_passes(101.0)
        assert await scene.at(question).post("Once more.", "mark.0", may_exist=True) == first


async def test_a_question_deleted_before_its_thread_is_opened_is_gone(connected: Connected) -> None:
    async with connected() as scene:
        question = await scene.asked()
        await scene.discord.delete(question.key.message)
        with pytest.raises(Gone):
            await scene.at(question).post("Hello.", "mark.0")


async def test_where_the_bot_may_not_write_it_is_forbidden(connected: Connected) -> None:
    async with connected() as scene:
        question = await scene.asked("hello", scene.discord.dm(scene.ann))
        scene.discord.deny("dm")
        with pytest.raises(Forbidden):
            await scene.at(question).post("Hello.", "mark.0")


async def test_a_long_wait_is_a_rate_limit_and_not_a_silence(connected: Connected) -> None:
    async with connected() as scene:
        surface = scene.at(await scene.asked())
        await surface.post("Zero.", "mark.0")
        body = {"message": "You are being rate limited.", "retry_after": 45.5, "global": False}
        scene.discord.faults.add(Fault(POST, status=429, body=body, headers={"Via": "1.1 google"}))
        with pytest.raises(RateLimited) as caught:
            await surface.post("One.", "mark.1")
        assert caught.value.retry_after_s == 45.5


async def test_a_banned_address_is_a_rate_limit(connected: Connected) -> None:
    async with connected() as scene:
        surface = scene.at(await scene.asked("hello", scene.discord.dm(scene.ann)))
        scene.discord.faults.add(Fault(POST, status=429, body={}, headers={"Retry-After": "1200", "Via": ""}))
        with pytest.raises(RateLimited) as caught:
            await surface.post("One.", "mark.0")
        assert caught.value.retry_after_s == 1200


async def test_a_thread_archived_meanwhile_is_opened_again_for_the_last_edit(connected: Connected) -> None:
    async with connected() as scene:
        question = await scene.asked()
        surface = scene.at(question)
        message_id = await surface.post("Half", "mark.0")
        await scene.discord.archive(question.key.message)
        await surface.edit(message_id, "Whole.")
        assert texts(scene, question.key.message) == ["Whole."]


async def test_the_status_is_typing_in_the_place_of_the_answer(connected: Connected) -> None:
    async with connected() as scene:
        question = await scene.asked()
        surface = scene.at(question)
        await surface.status("Reading …")
        change = await scene.discord.changes.wait(lambda change: change.kind == "status")
        assert change.place == question.key.message
        await surface.status("")
        scene.discord.faults.add(Fault("POST /channels/*/typing", status=403))
        await surface.status("Reading …")
        assert [call.status for call in scene.discord.rest.calls if call.path.endswith("/typing")] == [204, 403]


async def test_the_thread_and_its_root_were_said_before(connected: Connected) -> None:
    async with connected() as scene:
        root = await scene.discord.say(scene.ben, scene.channel, "the root", files=[("a.txt", b"a")])
        thread = await scene.discord.open_thread(scene.ben, scene.channel, "Talk", on=root.id)
        for number in range(5):
            await scene.discord.say(scene.ben, thread, f"line {number}")
        question = await scene.asked("{bot} and now?", thread)
        while question.text != "and now?":
            question = await scene.heard.next()
        await scene.discord.say(scene.ben, thread, "too late")
        surface = scene.at(question)
        await surface.post("An answer.", "mark.0")
        said = (await surface.earlier(question, 10)).said
        assert [one.text for one in said] == ["the root", *(f"line {number}" for number in range(5))]
        assert [upload.name for upload in said[0].uploads] == ["a.txt"]
        assert {one.author.name for one in said} == {"Ben"}
        assert [one.text for one in (await surface.earlier(question, 3)).said] == ["the root", "line 3", "line 4"]


async def test_the_bots_own_words_are_marked_as_its_own(connected: Connected) -> None:
    async with connected() as scene:
        question = await scene.asked("{bot} one")
        await scene.at(question).post("Answer.", "mark.0")
        follow_up = await scene.asked("two", question.key.message)
        said = (await scene.at(follow_up).earlier(follow_up, 10)).said
        assert [(one.text, one.by_bot) for one in said] == [("@Parley one", False), ("Answer.", True)]


async def test_what_a_question_replies_to_was_said_before(connected: Connected) -> None:
    async with connected() as scene:
        first = await scene.discord.say(scene.ben, scene.channel, "look", files=[("cat.png", b"png")])
        second = await scene.discord.say(scene.ben, scene.channel, "at this", reply_to=first.id)
        await scene.discord.say(scene.ben, scene.channel, "something else")
        for _ in range(3):
            await scene.heard.next()
        question = await scene.asked("{bot} what is it?", reply_to=second.id)
        said = (await scene.at(question).earlier(question, 10)).said
        assert [one.text for one in said] == ["look", "at this"]
        assert [upload.name for upload in said[0].uploads] == ["cat.png"]


async def test_a_question_that_opens_a_conversation_has_nothing_before_it(connected: Connected) -> None:
    async with connected() as scene:
        await scene.discord.say(scene.ben, scene.channel, "something else")
        await scene.heard.next()
        for question in (await scene.asked(), await scene.asked("hi", scene.discord.dm(scene.ann))):
            assert await scene.at(question).earlier(question, 10) == Earlier()


async def test_what_may_not_be_read_is_named(connected: Connected) -> None:
    async with connected() as scene:
        thread = await scene.discord.open_thread(scene.ben, scene.channel, "Talk")
        question = await scene.asked("{bot} hello", thread)
        scene.discord.deny("read_history")
        missing = "messages here that I have no permission for"
        assert await scene.at(question).earlier(question, 10) == Earlier((), missing)


async def test_an_upload_is_downloaded_whole(connected: Connected) -> None:
    async with connected() as scene:
        question = await scene.asked("{bot} look", files=[("a.png", b"\x89PNG" * 1000)])
        [upload] = question.uploads
        assert (upload.name, upload.media_type, upload.size_bytes) == ("a.png", "image/png", 4000)
        assert await scene.platform.download(upload, 4000) == b"\x89PNG" * 1000
        with pytest.raises(MediaError):
            await scene.platform.download(upload, 3999)


async def test_an_expired_address_is_asked_for_again(connected: Connected) -> None:
    async with connected() as scene:
        question = await scene.asked("{bot} look", files=[("a.txt", b"text")])
        scene.discord.cdn.expire()
        assert await scene.platform.download(question.uploads[0], 100) == b"text"


async def test_an_upload_whose_message_was_deleted_is_a_media_error(connected: Connected) -> None:
    async with connected() as scene:
        question = await scene.asked("{bot} look", files=[("a.txt", b"text")])
        scene.discord.cdn.expire()
        await scene.discord.delete(question.key.message)
        with pytest.raises(MediaError):
            await scene.platform.download(question.uploads[0], 100)


async def test_where_it_may_not_write_in_threads_it_opens_none_and_answers_in_the_channel(connected: Connected) -> None:
    async with connected() as scene:
        scene.discord.deny("send_in_threads")
        question = await scene.asked()
        surface = scene.at(question)
        await surface.status("is thinking…")
        await surface.post("One.", "mark.0")
        assert texts(scene, scene.channel)[-1] == "One."
        assert scene.discord.threads(scene.channel) == []
        assert not any(call.path.endswith("/threads") for call in scene.discord.rest.calls)


@pytest.mark.parametrize("may_delete", [True, False])
async def test_a_thread_that_turns_out_not_to_be_writable_is_taken_away(
    connected: Connected, *, may_delete: bool
) -> None:
    async with connected() as scene:
        question = await scene.asked()
        surface = scene.at(question)
        await surface.status("is thinking…")
        if not may_delete:
            scene.discord.deny("manage_threads")
        refusal = {"message": "Missing Permissions", "code": 50013}
        scene.discord.faults.add(Fault(f"POST /channels/{question.key.message}/messages", status=403, body=refusal))
        posted = await surface.post("One.", "mark.0")
        await surface.edit(posted, "Edited.")
        assert texts(scene, scene.channel)[-1] == "Edited."
        assert [thread.archived for thread in scene.discord.threads(scene.channel)] == ([] if may_delete else [True])
        again = await scene.asked("{bot} again")
        await scene.at(again).post("Two.", "other.0")
        assert texts(scene, scene.channel)[-1] == "Two."


@pytest.mark.parametrize(("code", "status"), [(50035, 400), (240000, 400), (160002, 400), (0, 422), (200000, 400)])
async def test_what_is_not_taken_as_it_is_goes_out_once_more_as_nothing_but_text(
    connected: Connected, code: int, status: int
) -> None:
    async with connected() as scene:
        question = await scene.asked("hello", scene.discord.dm(scene.ann))
        surface = scene.at(question)
        refusal = Fault(POST, status=status, body={"message": "No.", "code": code})
        scene.discord.faults.add(refusal)
        posted = await surface.post("One.", "mark.0", buttons=[Button.STOP], growing=True)
        [_, message] = scene.discord.messages(question.key.channel)
        assert (message.content, message.buttons, message.reference) == ("One.", [], None)
        await surface.edit(posted, "Whole.", buttons=[Button.RETRY])
        assert (message.content, message.buttons) == ("Whole.", [])


async def test_a_rejected_edit_takes_the_buttons_away_with_the_text(connected: Connected) -> None:
    async with connected() as scene:
        surface = scene.at(await scene.asked("hello", scene.discord.dm(scene.ann)))
        posted = await surface.post("One.", "mark.0", buttons=[Button.STOP])
        refusal = {"message": "Invalid Form Body", "code": 50035}
        scene.discord.faults.add(Fault("PATCH *", status=400, body=refusal))
        await surface.edit(posted, "Whole.", buttons=[Button.RETRY])
        [_, message] = scene.discord.messages(scene.discord.dm(scene.ann))
        assert (message.content, message.buttons) == ("Whole.", [])
        scene.discord.faults.add(Fault("PATCH *", status=400, body=refusal, times=2))
        with pytest.raises(Rejected):
            await surface.edit(posted, "Other.")


async def test_where_it_may_not_read_the_history_an_answer_in_the_channel_is_no_reply(connected: Connected) -> None:
    async with connected() as scene:
        scene.discord.deny("create_thread", "read_history")
        question = await scene.asked()
        await scene.at(question).post("One.", "mark.0")
        answer = scene.discord.messages(scene.channel)[-1]
        assert (answer.content, answer.reference) == ("One.", None)
