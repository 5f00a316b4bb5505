"""What people do in Slack, what the bot hears of it, and when Slack is told that it was heard."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from bot.events import Deleted, Edited, Incoming, MessageKey, ThreadKey
from bot.platforms.kernel.door import Door
from bot.platforms.slack import shared_budget
from bot.platforms.slack.calls import Calls, Me
from bot.platforms.slack.listen import Listener
from bot.platforms.slack.read.events import Events
from bot.platforms.slack.read.people import People
from bot.platforms.slack.read.translate import Translator
from bot.reply import Pacer
from bot.simulator.faults import Fault

Connected = Callable[..., AbstractAsyncContextManager[Any]]


async def test_a_mention_is_the_root_of_a_new_thread(scene: Any) -> None:
    question = await scene.asked("{bot} what is *this*?")
    message = scene.slack.messages(scene.channel)[0]
    assert question.key == MessageKey("slack", scene.slack.app.team_id, scene.channel, message.ts)
    assert question.thread == ThreadKey("slack", scene.slack.app.team_id, scene.channel, message.ts)
    assert question.text == "what is *this*?"
    assert (question.mentions_bot, question.mentions_others) == (True, False)
    assert (question.direct, question.in_thread, question.reply_to) == (False, False, "")
    assert (question.author.id, question.author.name, question.author.roles) == (scene.ann.id, "Ann", frozenset())


@pytest.mark.parametrize("late", ["message", "app_mention"])
async def test_row_12_a_mention_that_comes_as_two_events_is_one_message(scene: Any, late: str) -> None:
    scene.slack.events.delay(0.1, late)
    first, second = await scene.asked(), await scene.heard.next(Incoming)
    assert {envelope.event_type for envelope in scene.slack.events.envelopes} == {"message", "app_mention"}
    assert [envelope.event_type for envelope in scene.slack.events.envelopes][1] == late
    assert first == second


async def test_a_follow_up_in_the_thread_needs_no_mention(scene: Any) -> None:
    root = await scene.asked("{bot} hello")
    question = await scene.asked("and now?", thread=root.key.message, who=scene.ben)
    assert question.thread == root.thread
    assert question.author.name == "Ben"
    assert (question.in_thread, question.mentions_bot, question.mentions_others) == (True, False, False)


async def test_a_reply_also_sent_to_the_channel_belongs_to_its_thread(scene: Any) -> None:
    root = await scene.asked("{bot} hello")
    question = await scene.asked("and now?", thread=root.key.message, broadcast=True)
    assert question.thread == root.thread


async def test_a_dm_is_answered_in_a_thread_on_it(scene: Any) -> None:
    place = scene.slack.dm(scene.ann)
    root = await scene.asked("hello", place)
    assert (root.direct, root.in_thread, root.thread.thread) == (True, False, root.key.message)
    reply = await scene.asked("more", place, thread=root.key.message)
    assert (reply.direct, reply.in_thread, reply.thread) == (True, True, root.thread)


@pytest.mark.parametrize("text", ["{ben} what do you think?", "<!here> lunch?", "<!subteam^S1|@crew> hello"])
async def test_a_message_for_somebody_else_is_known_as_such(scene: Any, text: str) -> None:
    question = await scene.asked(text)
    assert (question.mentions_bot, question.mentions_others) == (False, True)


async def test_naming_oneself_is_not_naming_somebody_else(scene: Any) -> None:
    question = await scene.asked("{bot} call me {ann}")
    assert question.text == "call me @Ann"
    assert not question.mentions_others


async def test_row_49_bots_notices_and_the_bot_itself_are_not_heard(scene: Any) -> None:
    await scene.say("{bot} from a bot", who=scene.robot)
    surface = scene.at(await scene.asked("{bot} one"))
    message_id = await surface.post("An answer", "m.0")
    await surface.edit(message_id, "Another one")
    await scene.slack.react(scene.robot, scene.channel, message_id, "x")
    await surface.delete(message_id)
    await scene.slack.events.settled()
    assert {event.text for event in scene.heard.all} == {"one"}
    assert all(envelope.acked for envelope in scene.slack.events.envelopes)


async def test_files_come_with_the_question(scene: Any) -> None:
    question = await scene.asked("{bot} look", files=[("a b.png", b"12345"), ("n.txt", b"words")])
    assert [(u.name, u.media_type, u.size_bytes) for u in question.uploads] == [
        ("a b.png", "image/png", 5),
        ("n.txt", "text/plain", 5),
    ]
    assert question.text == "look"


async def test_files_of_another_organisation_are_asked_for(scene: Any) -> None:
    scene.slack.settings.stub_files = True
    question = await scene.asked("{bot} look", files=[("a.png", b"12345")])
    assert question.uploads[0].name == "a.png"
    assert await scene.platform.download(question.uploads[0], 100) == b"12345"


async def test_a_file_that_cannot_be_read_is_named_in_the_text(scene: Any) -> None:
    scene.slack.settings.stub_files = True
    scene.slack.faults.add(Fault("files.info", body={"ok": False, "error": "file_not_found"}, times=2))
    question = await scene.asked("{bot} look", files=[("a.png", b"12345")])
    assert question.uploads == ()
    assert question.text.startswith("look\n\n[file F")
    assert question.text.endswith("could not be read]")


async def test_what_a_message_forwards_is_quoted_and_labelled(scene: Any) -> None:
    shared = {"is_share": True, "is_msg_unfurl": True, "text": "first {ben}\nsecond".format(ben=f"<@{scene.ben.id}>")}
    preview = {"is_msg_unfurl": True, "text": "preview of a link"}
    question = await scene.asked("{bot} sum up", attachments=[shared, preview])
    assert question.text == "sum up\n\n[Forwarded message]\n> first @Ben\n> second"


async def test_a_guest_is_known_as_one(scene: Any) -> None:
    guest = scene.slack.add_person("Gus", guest=True)
    question = await scene.asked(who=guest)
    assert question.author.roles == {"guest"}


async def test_somebody_who_cannot_be_looked_up_is_called_by_their_id(connected: Connected) -> None:
    async with connected(deny="users") as scene:
        question = await scene.asked("{bot} and {ben}")
        assert question.author.name == scene.ann.id
        assert question.author.roles == {"unknown"}
        assert question.text == f"and @{scene.ben.id}"


async def test_people_are_looked_up_once(scene: Any) -> None:
    for _ in range(3):
        await scene.asked("{bot} hello")
    assert scene.calls("users.info") <= 2  # two events at the same time ask twice


async def test_slack_is_told_only_after_the_message_was_heard(scene: Any) -> None:
    scene.heard.go_on.clear()
    message = await scene.say("just a message")
    await scene.heard.entered.wait()
    assert not scene.slack.events.acks
    scene.heard.go_on.set()
    await scene.slack.events.acknowledged(scene.channel, message.ts)
    assert len(scene.heard.all) == 1


async def test_row_11_a_message_that_could_not_be_stored_is_delivered_again(scene: Any) -> None:
    scene.heard.fail_with = OSError("disk full")
    message = await scene.say("just a message")
    assert (await scene.heard.next(Incoming)).key.message == message.ts
    await scene.slack.events.acknowledged(scene.channel, message.ts)
    first, second = scene.slack.events.envelopes
    assert (first.acked, second.acked, second.retry_attempt) == (False, True, 1)


async def test_a_message_delivered_twice_is_the_same_message(scene: Any) -> None:
    first = await scene.asked("just a message")
    await scene.slack.events.redeliver(scene.channel, first.key.message)
    assert await scene.heard.next(Incoming) == first


async def test_messages_of_a_channel_are_heard_in_their_order(scene: Any) -> None:
    scene.slack.faults.add(Fault("users.info", delay_s=0.1))
    for number in range(20):
        await scene.say(f"number {number} {{ben}}" if number % 3 == 0 else f"number {number}")
    heard = [(await scene.heard.next(Incoming)).text for _ in range(20)]
    assert [text.split()[1] for text in heard] == [str(number) for number in range(20)]


async def test_one_message_that_fails_does_not_stop_the_next(scene: Any) -> None:
    scene.slack.settings.redeliver_after_s = 30.0
    scene.heard.fail_with = OSError("disk full")
    await scene.say("lost for now")
    assert (await scene.asked("heard")).text == "heard"


@pytest.mark.parametrize(
    "body",
    [
        {"type": "event_callback", "event": {"type": "reaction_added", "user": "U1", "reaction": "x"}},
        {"type": "event_callback", "event": {"type": "reaction_removed", "user": "U1"}},
        {
            "type": "event_callback",
            "event": {"type": "message", "subtype": "channel_join", "user": "U1", "channel": "C1"},
        },
        {"type": "block_actions", "user": {"id": "U1"}},
    ],
)
async def test_what_the_bot_does_not_listen_to_is_done_with(body: dict[str, Any]) -> None:
    async def nobody(_: object) -> str:
        raise AssertionError("nothing was said")

    calls, me = Calls(Pacer([shared_budget()])), Me("UBOT", "BBOT", "T1", "parley")
    events = Events(Translator(calls, People(calls)), me)
    listener = Listener(Door("slack", nobody), events, nobody, me, calls.clock)
    assert (await listener.take(body)).status == 200


async def test_two_workspaces_with_equal_ids_are_two_conversations(connected: Connected) -> None:
    async with connected() as one, connected() as two:
        first, second = await asyncio.gather(one.asked(), two.asked())
        assert first.key.workspace == one.slack.app.team_id
        assert second.key.workspace == two.slack.app.team_id


async def test_a_person_who_writes_through_an_app_with_their_own_token_is_a_person(scene: Any) -> None:
    question = await scene.asked("{bot} from my notes", via_app=True)
    assert (question.author.id, question.author.name, question.text) == (scene.ann.id, "Ann", "from my notes")
    await scene.slack.delete(scene.channel, question.key.message)
    assert (await scene.heard.next(Deleted)).key == question.key


async def test_who_writes_through_an_app_and_cannot_be_looked_up_is_not_taken_for_a_person(
    connected: Connected,
) -> None:
    async with connected(deny="users") as scene:
        await scene.say("{bot} from an app", via_app=True)
        assert (await scene.asked("{bot} by hand")).text == "by hand"
        assert {event.text for event in scene.heard.all} == {"by hand"}


async def test_a_group_dm_is_known_as_one_by_each_of_its_events(scene: Any) -> None:
    place = scene.slack.dm(scene.ann, scene.ben)
    scene.slack.events.delay(0.1, "message")
    first, second = await scene.asked("{bot} hello", place), await scene.heard.next(Incoming)
    assert first == second
    assert (first.group, first.direct) == (True, False)
    assert not (await scene.asked("{bot} hello")).group


async def test_mentions_of_the_bot_are_no_words_however_often(scene: Any) -> None:
    for text in ("{bot}", "{bot} {bot}", " {bot}\n{bot} "):
        question = await scene.asked(text)
        assert (question.text, question.mentions_bot, question.has_words) == ("", True, False)


async def test_a_mention_that_is_added_by_an_edit_is_heard_with_each_of_its_events(scene: Any) -> None:
    message = await scene.say("hello")
    await scene.slack.edit(scene.ann, scene.channel, message.ts, f"{scene.slack.app.mention} hello")
    first, second = (await scene.heard.next(Edited)).message, (await scene.heard.next(Edited)).message
    assert (first.key, first.text, first.mentions_bot) == (second.key, second.text, second.mentions_bot)
    assert (first.key.message, first.text, first.mentions_bot) == (message.ts, "hello", True)


async def test_a_file_that_is_added_by_an_edit_is_heard(scene: Any) -> None:
    message = await scene.say("{bot} look")
    await scene.slack.edit(scene.ann, scene.channel, message.ts, message.text, files=[("a.txt", b"a")])
    edited = (await scene.heard.next(Edited)).message
    assert (edited.text, [upload.name for upload in edited.uploads]) == ("look", ["a.txt"])


async def test_what_the_bot_has_to_say_to_who_wrote_they_alone_see(scene: Any) -> None:
    scene.heard.sentence = "You may not, <!everyone>."
    question = await scene.asked("{bot} hello")
    told = await scene.slack.whispered(scene.ann)
    assert (told.text, told.channel) == ("You may not, <!everyone>.", scene.channel)
    scene.heard.sentence = ""
    await scene.at(question).post("An answer", "m.0")
    scene.heard.sentence = "Nor here."
    since = len(scene.slack.whispers(scene.ann))
    await scene.asked("and here?", thread=question.key.message)
    assert (await scene.slack.whispered(scene.ann, since=since)).thread == question.key.message
    assert (await scene.platform.author_now(question)) == question.author


async def test_who_cannot_be_told_does_not_stop_the_bot(scene: Any) -> None:
    scene.slack.faults.add(Fault("chat.postEphemeral", body={"ok": False, "error": "user_not_in_channel"}, times=9))
    scene.heard.sentence = "You may not."
    await scene.asked("{bot} hello")
    assert (await scene.asked("{bot} next")).text == "next"
