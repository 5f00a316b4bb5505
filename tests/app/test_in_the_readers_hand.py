"""Stop, Retry, Continue, edits and deletions, on both platforms."""

import pytest

from bot.simulator.changes import Change
from bot.simulator.claude import Reply, long_text
from bot.tryout.world import Line, Room, ShownAnswer, World

HALF = "This is the first half of a story, which goes on for"


def held() -> Reply:
    """An answer that stops growing after its first half until somebody leaves."""
    return Reply(pieces=[HALF, " quite a while, and", " ends."], piece_s=0.1, stall_after=2)


async def shown(here: World, there: Room, message: str, words: str) -> ShownAnswer:
    """Wait until an answer shows these words."""

    def is_there(change: Change) -> bool:
        return here.is_in(there, change) and words in here.answer(there, message).text

    await here.changes(there.platform).wait(is_there)
    return here.answer(there, message)


async def growing(here: World, channel: Room, who: str = "Ada") -> tuple[Room, str, Line]:
    """Ask for what will not end; return where it is answered, the question and the message that grows."""
    here.claude.script(held())
    message = await here.say(who, channel, "@parley Tell me a story")
    there = here.answered_in(channel, message)
    return there, message, (await shown(here, there, message, "quite a")).lines[0]  # the last words may be held back


async def stopped(here: World, there: Room, message: str) -> ShownAnswer:
    await here.claude.next_disconnect()
    return await shown(here, there, message, "Stopped")


async def test_a_growing_answer_is_stopped_by_its_button(here: World, channel: Room) -> None:
    there, message, line = await growing(here, channel)
    if "Stop" in line.buttons:
        assert await here.press("Ada", there, line.message, "Stop") == ""
    else:  # Slack's own streaming brings Slack's own button
        await here.press_native_stop("Ada", there)
    answer = await stopped(here, there, message)
    assert HALF in answer.text
    assert [one.message for one in answer.lines] == [line.message]


async def test_a_growing_answer_is_stopped_by_a_reaction(here: World, channel: Room) -> None:
    there, message, line = await growing(here, channel)
    await here.react("Ada", there, line.message)
    await stopped(here, there, message)


async def test_a_growing_answer_is_stopped_by_a_word(here: World, channel: Room) -> None:
    there, message, _ = await growing(here, channel)
    await here.say("Ada", there, "stop")
    await stopped(here, there, message)


async def test_nobody_else_can_stop_it(here: World, channel: Room) -> None:
    there, message, line = await growing(here, channel)
    await here.react("Grace", there, line.message)
    if "Stop" in line.buttons:
        assert "Only who asked" in await here.press("Grace", there, line.message, "Stop")
    assert here.claude.requests[-1].done is None
    await here.react("Ada", there, line.message)
    await stopped(here, there, message)


async def test_the_stop_button_works_after_a_restart(here: World) -> None:
    channel = here.places[0]
    there, message, line = await growing(here, channel)
    await here.bot.kill()
    here.claude.script(held())
    await here.start_bot()
    await here.claude.until(lambda: len(here.claude.requests) == 2 and here.claude.requests[1].characters >= len(HALF))
    await here.press("Ada", there, line.message, "Stop")
    await stopped(here, there, message)


async def test_an_answer_can_be_tried_again_in_place(here: World, channel: Room) -> None:
    here.claude.script(Reply(text="The first answer, as it was."), Reply(text="The second answer, as it is now."))
    answer = await here.ask("Ada", channel, "@parley Tell me")
    there, line = answer.place, answer.lines[0]
    await buttons(here, answer, ("Retry",))
    assert await here.press("Ada", there, line.message, "Retry") == ""
    again = await shown(here, there, answer.message, "second")
    assert [one.message for one in again.lines] == [line.message]


async def buttons(here: World, answer: ShownAnswer, wanted: tuple[str, ...]) -> None:
    """Wait until an answer's last message shows these buttons."""

    def are_there(_: Change) -> bool:
        return here.answer(answer.place, answer.message).lines[-1].buttons == wanted

    if not are_there(here.changes(answer.place.platform).seen[-1]):
        await here.changes(answer.place.platform).wait(are_there, since=len(here.changes(answer.place.platform).seen))


async def test_row_36_an_answer_at_its_limit_goes_on_when_asked_to(here: World, channel: Room) -> None:
    here.claude.script(Reply(text="The beginning of it", stop_reason="max_tokens"), Reply(text="and this is its end."))
    message = await here.say("Ada", channel, "@parley Tell me")
    there = here.answered_in(channel, message)
    answer = await shown(here, there, message, "length limit")
    await buttons(here, answer, ("Continue", "Retry"))
    await here.press("Ada", there, answer.lines[-1].message, "Continue")
    await shown(here, there, message, "and this is its end.")


async def test_row_46_an_edited_question_is_answered_again_in_place(here: World, channel: Room) -> None:
    here.claude.script(Reply(text="All about cats, in short."), Reply(text="All about dogs, in short."))
    answer = await here.ask("Ada", channel, "@parley Cats?")
    await here.edit("Ada", channel, answer.message, "@parley Dogs?")
    again = await shown(here, answer.place, answer.message, "dogs")
    assert [one.message for one in again.lines] == [one.message for one in answer.lines]
    assert "Dogs?" in str(here.claude.requests[-1].body["messages"])


async def test_row_45_a_deleted_question_stops_its_answer_and_is_in_no_later_prompt(here: World, dm: Room) -> None:
    there, message, _ = await growing(here, dm)
    await here.delete(dm, message)
    await here.claude.next_disconnect()
    await shown(here, there, message, "deleted")
    here.claude.script(Reply(text="Another answer, to this one."))
    await here.ask("Ada", there if dm.platform == "slack" else dm, "@parley And now?")
    assert "story" not in str(here.claude.requests[-1].body["messages"])


async def test_row_44_an_answer_too_long_to_read_ends_in_a_file_that_has_all_of_it(here: World) -> None:
    channel = here.places[0]
    here.claude.script(Reply(text=long_text(20_000), piece_s=0.0))
    message = await here.say("Ada", channel, "@parley Everything, please")
    there = here.answered_in(channel, message)
    await here.discord.changes.wait(lambda c: c.files == ("answer.md",) and here.is_in(there, c), timeout_s=120)
    lines = here.answer(there, message).lines
    assert len(lines) <= 9
    [file] = [a for m in here.discord.messages(there.thread) for a in m.attachments]
    assert file.data.decode() == long_text(20_000)


async def test_a_very_long_answer_on_slack_ends_in_a_file_that_has_all_of_it(here: World) -> None:
    channel = here.places[2]
    here.claude.script(Reply(text=long_text(80_000), stop_reason="end_turn"))
    message = await here.say("Ada", channel, "@parley Everything, please")
    there = here.answered_in(channel, message)
    await here.slack.changes.wait(lambda c: "answer.md" in c.files and here.is_in(there, c), timeout_s=120)
    [file] = [f for m in here.slack.messages(there.channel, there.thread) for f in m.files]
    assert file.data.decode() == long_text(80_000)


async def test_a_file_claude_gives_is_attached(here: World, channel: Room) -> None:
    given = {"type": "tool_use", "name": "give_file", "input": {"name": "hello.py", "content": "print('hi')\n"}}
    here.claude.script(Reply(blocks=[{"type": "text", "text": "I write it down."}, given]), Reply(text="There it is."))
    message = await here.say("Ada", channel, "@parley A file, please")
    there = here.answered_in(channel, message)
    await here.changes(channel.platform).wait(lambda c: "hello.py" in c.files and here.is_in(there, c))
    assert "There it is." in here.answer(there, message).text


@pytest.mark.parametrize("place", [0, 2])
async def test_what_was_stopped_is_in_the_history_as_such(here: World, place: int) -> None:
    there, message, line = await growing(here, here.places[place])
    await here.react("Ada", there, line.message)
    await stopped(here, there, message)
    here.claude.script(Reply(text="The next answer, to that."))
    await here.ask("Ada", there, "@parley And?")
    [assistant] = [m for m in here.claude.requests[-1].body["messages"] if m["role"] == "assistant"]
    assert HALF in str(assistant)
    assert "stopped" in str(assistant)
