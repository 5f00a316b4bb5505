"""A question is looked up again: nobody may have changed it, somebody may have edited it, or it is gone."""

from dataclasses import replace
from typing import Any

import pytest

from bot.errors import Gone, Unreachable
from bot.events import Edited, Incoming
from bot.simulator.faults import Fault


@pytest.fixture(params=["root", "reply", "direct"])
async def question(request: pytest.FixtureRequest, scene: Any) -> Incoming:
    """A question that opens a thread, one in a thread with others after it, one in a DM."""
    if request.param == "direct":
        asked = await scene.asked("hello", scene.slack.dm(scene.ann))
    elif request.param == "root":
        asked = await scene.asked("{bot} hello")
    else:
        root = await scene.say("a root")
        await scene.say("something before", thread=root.ts)
        asked = await scene.asked("{bot} hello", thread=root.ts)
        await scene.say("something after", thread=root.ts)
    assert isinstance(asked, Incoming)
    return asked


async def test_an_edited_question_has_its_new_words(scene: Any, question: Incoming) -> None:
    words = f"{scene.slack.app.mention} ask <@{scene.ben.id}>"
    await scene.slack.edit(scene.ann, question.key.channel, question.key.message, words)
    await scene.heard.next(Edited)
    assert await scene.platform.current(question) == replace(question, text="ask @Ben")


async def test_what_cannot_be_looked_up_is_not_taken_for_deleted(scene: Any) -> None:
    question = await scene.asked()
    scene.slack.faults.add(
        Fault("conversations.replies", body={"ok": False, "error": "channel_not_found"}),
        Fault("conversations.replies", status=503),
    )
    for kind in (Gone, Unreachable):
        with pytest.raises(kind):
            await scene.platform.current(question)


async def test_the_message_below_which_somebody_pressed_continue_is_no_edited_question(scene: Any) -> None:
    question = await scene.asked()
    surface = scene.at(question)
    answer = await surface.post("The beginning", "mark.0")
    await surface.edit(answer, "The beginning, and more")
    pressed = replace(question, key=replace(question.key, message=answer), text="Go on.", in_thread=True)
    assert await scene.platform.current(pressed) is pressed
