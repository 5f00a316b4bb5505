"""What people do besides writing: they press buttons, react, change and delete what they wrote."""

import asyncio
from typing import Any

import pytest

from bot.events import Button, Deleted, Edited, Incoming, MessageKey, Pressed
from bot.platforms.kernel.buttons import NOT_HEARD
from bot.platforms.slack.buttons import presses_in
from bot.platforms.slack.calls import Me
from bot.platforms.slack.read.people import person_of
from bot.simulator.faults import Fault


async def answered(scene: Any, *buttons: Button) -> tuple[Incoming, str]:
    """A question of Ann's and the id of its answer, with buttons."""
    question = await scene.asked()
    await scene.slack.events.settled()  # a mention comes as two events
    return question, await scene.at(question).post("An answer", "m.0", buttons=buttons)


@pytest.mark.parametrize(
    ("label", "button"), [("Stop", Button.STOP), ("Retry", Button.RETRY), ("Continue", Button.CONTINUE)]
)
async def test_a_press_is_heard_as_what_the_button_says(scene: Any, label: str, button: Button) -> None:
    _, ts = await answered(scene, *Button)
    assert scene.slack.messages(scene.channel, scene.heard.all[0].thread.thread)[-1].buttons == [
        "Stop",
        "Retry",
        "Continue",
    ]
    scene.heard.sentence = "Only Ann may do that."
    assert await scene.slack.press(scene.ben, scene.channel, ts, label) == "Only Ann may do that."
    pressed = await scene.heard.next(Pressed)
    assert pressed.message == MessageKey("slack", scene.slack.app.team_id, scene.channel, ts)
    assert (pressed.button, pressed.person.id, pressed.person.name) == (button, scene.ben.id, "Ben")


async def test_a_press_is_answered_in_the_thread(scene: Any) -> None:
    question, ts = await answered(scene, Button.RETRY)
    scene.heard.sentence = "<!here> Not yours."
    await scene.slack.press(scene.ben, scene.channel, ts, "Retry")
    assert (await scene.slack.whispered(scene.ben)).thread == question.key.message


async def test_a_press_that_needs_no_answer_gets_none(scene: Any) -> None:
    _, ts = await answered(scene, Button.STOP)
    assert await scene.slack.press(scene.ann, scene.channel, ts, "Stop", wait_s=0.2) == ""


async def test_a_press_is_acknowledged_before_it_is_heard(scene: Any) -> None:
    _, ts = await answered(scene, Button.STOP)
    scene.heard.go_on.clear()
    assert await scene.slack.press(scene.ann, scene.channel, ts, "Stop", wait_s=0.1) == ""
    scene.heard.go_on.set()
    assert (await scene.heard.next(Pressed)).button is Button.STOP


async def test_a_press_that_fails_is_said_and_does_not_stop_the_next(scene: Any) -> None:
    _, ts = await answered(scene, Button.STOP)
    scene.heard.fail_with = OSError("disk full")
    assert await scene.slack.press(scene.ann, scene.channel, ts, "Stop") == NOT_HEARD
    scene.heard.sentence = "Stopped."
    scene.slack.faults.add(Fault("chat.postEphemeral", status=500))
    assert await scene.slack.press(scene.ann, scene.channel, ts, "Stop", wait_s=0.3) == ""
    assert await scene.slack.press(scene.ann, scene.channel, ts, "Stop") == "Stopped."


async def test_buttons_are_replaced_and_taken_away_by_an_edit(scene: Any) -> None:
    surface = await scene.surface()
    ts = await surface.post("Text", "m.0", buttons=[Button.STOP], growing=True)
    await surface.edit(ts, "More text", buttons=[Button.STOP], growing=True)
    (message,) = scene.own(surface._thread)
    assert (message.shown, message.buttons) == ("More text", ["Stop"])
    await surface.edit(ts, "All text", buttons=[Button.RETRY, Button.CONTINUE])
    assert (message.shown, message.buttons) == ("All text", ["Retry", "Continue"])
    await surface.edit(ts, "All text")
    assert (message.shown, message.buttons) == ("All text", [])


async def test_a_cross_on_an_answer_or_a_question_means_stop(scene: Any) -> None:
    question, ts = await answered(scene)
    for target in (ts, question.key.message):
        await scene.slack.react(scene.ben, scene.channel, target, "x")
        pressed = await scene.heard.next(Pressed)
        assert (pressed.message.message, pressed.button, pressed.person.name) == (target, Button.STOP, "Ben")


async def test_other_reactions_mean_nothing(scene: Any) -> None:
    question, ts = await answered(scene)
    await scene.slack.react(scene.ben, scene.channel, ts, "thumbsup")
    await scene.slack.react(scene.robot, scene.channel, ts, "x")
    await scene.slack.unreact(scene.robot, scene.channel, ts, "x")
    await scene.slack.events.settled()
    assert {type(event) for event in scene.heard.all} == {Incoming}
    assert question in scene.heard.all


async def test_row_46_a_message_that_its_author_changed_is_heard_whole(scene: Any) -> None:
    question = await scene.asked("{bot} one")
    await scene.slack.edit(scene.ann, scene.channel, question.key.message, f"{scene.slack.app.mention} two")
    changed = (await scene.heard.next(Edited)).message
    assert (changed.key, changed.text, changed.thread) == (question.key, "two", question.thread)
    assert (changed.mentions_bot, changed.author, changed.direct) == (True, question.author, False)
    assert (changed.sent_at_s, changed.send_id) == (question.sent_at_s, question.send_id)


async def test_a_reply_in_a_dm_that_was_changed_stays_in_its_thread(scene: Any) -> None:
    place = scene.slack.dm(scene.ann)
    root = await scene.asked("one", place)
    reply = await scene.asked("two", place, thread=root.key.message)
    await scene.slack.edit(scene.ann, place, reply.key.message, "three")
    changed = (await scene.heard.next(Edited)).message
    assert (changed.thread, changed.direct, changed.in_thread) == (root.thread, True, True)


async def test_the_preview_of_a_link_is_no_change(scene: Any) -> None:
    question = await scene.asked("{bot} see https://example.com/x")
    await scene.slack.unfurl(scene.channel, question.key.message)
    await scene.slack.events.settled()
    assert {type(event) for event in scene.heard.all} == {Incoming}


async def test_row_45_a_deleted_message_is_heard_of(scene: Any) -> None:
    question = await scene.asked("{bot} one")
    await scene.slack.delete(scene.channel, question.key.message)
    assert (await scene.heard.next(Deleted)).key == question.key


async def test_a_deleted_question_that_was_answered_is_heard_of(scene: Any) -> None:
    question, _ = await answered(scene)
    await scene.slack.delete(scene.channel, question.key.message)
    assert (await scene.heard.next(Deleted)).key == question.key


async def test_an_answer_that_was_deleted_is_nobodys_message(scene: Any) -> None:
    question, ts = await answered(scene)
    await scene.slack.delete(scene.channel, ts)
    await scene.slack.events.settled()
    assert set(scene.heard.all) == {question}


async def test_what_people_do_in_a_channel_is_heard_in_its_order(scene: Any) -> None:
    scene.slack.faults.add(Fault("users.info", delay_s=0.2))
    message = await scene.say("one")
    await scene.slack.edit(scene.ann, scene.channel, message.ts, "two")
    await scene.slack.delete(scene.channel, message.ts)
    async with asyncio.timeout(120):
        await scene.heard.next(Deleted)
    assert [type(event) for event in scene.heard.all] == [Incoming, Edited, Deleted]


async def test_row_13_when_a_message_was_sent_and_by_which_gesture_is_known(scene: Any) -> None:
    first = await scene.asked("one")
    message = scene.slack.messages(scene.channel)[0]
    assert (first.sent_at_s, first.send_id) == (float(message.ts), message.client_msg_id)
    await scene.slack.repeat(scene.channel, message.ts)
    again = await scene.heard.next(Incoming)
    assert again.key != first.key
    assert again.send_id == first.send_id


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"actions": [{"action_id": "parley:stop"}]},
        {"actions": [{"action_id": "parley:no"}, {}], "container": {"message_ts": "1.0"}},
        {"actions": [{"action_id": "stop"}], "container": {"message_ts": "1.0"}},
        {"actions": [{"action_id": "parley:stop"}], "container": {"view_id": "V1", "type": "view"}},
    ],
)
def test_an_interaction_with_anything_else_is_no_press(payload: dict[str, Any]) -> None:
    assert presses_in(payload) == []


@pytest.mark.parametrize(
    ("member", "moderates"),
    [
        ({"is_admin": True}, True),
        ({"is_owner": True}, True),
        ({"is_primary_owner": True}, True),
        ({}, False),
        ({"is_admin": True, "team_id": "T2"}, False),
        ({"is_admin": True, "is_stranger": True}, False),
    ],
)
def test_admins_and_owners_of_the_workspace_moderate(member: dict[str, Any], moderates: bool) -> None:
    person = person_of({"id": "U1", "team_id": "T1", **member}, Me("UBOT", "BBOT", "T1", "parley"))
    assert person.moderator is moderates
