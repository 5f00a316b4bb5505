"""Threads about pictures, on both platforms. The simulated Claude says what each picture it was shown really is."""

import json
import re
from typing import Any

from bot.simulator.claude import Reply
from bot.simulator.pictures import picture
from bot.tryout.world import Room, World

RED, BLUE = ("red.png", picture(64, 48, "red")), ("blue.jpg", picture(100, 80, "blue", "JPEG"))


def seen(text: str) -> list[tuple[int, int, str]]:
    """The width, height and colour of each picture Claude speaks of."""
    found = re.findall(r"(\d+)×(\d+) \w+, mostly (\w+)", text)
    return [(int(width), int(height), colour) for width, height, colour in found]


def images(here: World, turn: int = -1) -> list[dict[str, Any]]:
    """The images Claude was sent, in the whole conversation."""
    messages = here.claude.requests[turn].body["messages"]
    return [b for m in messages if isinstance(m["content"], list) for b in m["content"] if b["type"] == "image"]


async def test_one_picture(here: World, channel: Room) -> None:
    answer = await here.ask("Ada", channel, "@parley What is this?", [RED])
    assert seen(answer.text) == [(64, 48, "red")]


async def test_five_pictures_in_their_order(here: World, channel: Room) -> None:
    colours = ["red", "green", "blue", "white", "black"]
    files = [(f"{n}.png", picture(30 + n, 20, colour)) for n, colour in enumerate(colours)]
    answer = await here.ask("Ada", channel, "@parley What are these?", files)
    assert seen(answer.text) == [(30 + n, 20, colour) for n, colour in enumerate(colours)]


async def test_a_picture_and_then_the_question_in_the_next_message(here: World, channel: Room) -> None:
    await here.say("Ada", channel, "", [RED])
    answer = await here.ask("Ada", channel, "@parley What is this?")
    assert seen(answer.text) == [(64, 48, "red")]


async def test_somebody_elses_picture_in_the_channel_is_not_taken_along(here: World, channel: Room) -> None:
    await here.say("Grace", channel, "", [RED])
    await here.ask("Ada", channel, "@parley What is this?")
    assert images(here) == []


async def test_a_question_about_the_second_one(here: World, channel: Room) -> None:
    first = await here.ask("Ada", channel, "@parley What are these?", [RED, BLUE])
    await here.ask("Ada", first.place, "And the second one?")
    assert [image["source"]["media_type"] for image in images(here)] == ["image/png", "image/jpeg"]


async def test_after_ten_more_turns_a_restart_and_the_end_of_its_link(here: World, channel: Room) -> None:
    first = await here.ask("Ada", channel, "@parley What is this?", [RED])
    for number in range(10):
        await here.ask("Ada", first.place, f"Question {number}?")
    await here.restart_bot()
    here.discord.cdn.expire()
    here.slack.settings.stub_files = True
    await here.ask("Ada", first.place, "Do you still see it?")
    assert len(images(here)) == 1


async def test_in_a_dm(here: World, dm: Room) -> None:
    answer = await here.ask("Ada", dm, "What is this?", [BLUE])
    assert seen(answer.text) == [(100, 80, "blue")]


async def test_in_a_dm_first_the_picture_and_then_the_words(here: World) -> None:
    dm = here.places[1]
    await here.say("Ada", dm, "", [BLUE])
    answer = await here.ask("Ada", dm, "What is this?")
    assert seen(answer.text) == [(100, 80, "blue")]
    assert here.claude.count == 1


async def test_in_a_forwarded_message(here: World) -> None:
    general, dm = here.places[0], here.places[1]
    said = await here.say("Grace", general, "Look at this", [RED])
    since = len(here.discord.changes.seen)
    await here.discord.forward(here.discord_person("Ada"), said, dm.channel)
    await here.discord.changes.wait(lambda c: c.by_bot and "mostly red" in c.text, since=since)
    told = str(here.claude.requests[-1].body["messages"])
    assert "Look at this" in told
    assert "forwarded" in told.casefold()


async def test_in_a_message_that_is_shared_on_slack(here: World) -> None:
    general, dm = here.places[2], here.places[3]
    await here.say("Grace", general, "Look at this", [RED])
    [file] = here.slack.messages(general.channel)[-1].files
    shared = {"is_share": True, "text": "Look at this", "files": [{"id": file.id, "file_access": "check_file_info"}]}
    since = len(here.slack.changes.seen)
    await here.slack.say(here.slack_person("Ada"), dm.channel, "What is this?", attachments=[shared])
    await here.slack.changes.wait(lambda c: c.by_bot and "mostly red" in c.text, since=since)
    told = str(here.claude.requests[-1].body["messages"])
    assert "Look at this" in told
    assert "forwarded" in told.casefold()


async def test_a_hidden_picture_of_somebody_else_is_shown_to_claude_only_when_asked_for(here: World) -> None:
    channel = here.places[0]
    hidden = await here.discord.say(
        here.discord_person("Grace"), channel.channel, "Do not look", files=[RED], spoiler=True
    )
    await here.ask("Ada", channel, "@parley What does she mean?", reply_to=hidden.id)
    assert images(here) == []
    await here.ask("Ada", channel, "@parley What is in the spoiler?", reply_to=hidden.id)
    assert len(images(here)) == 1


async def test_every_later_question_reads_the_picture_from_the_cache(here: World, channel: Room) -> None:
    first = await here.ask("Ada", channel, "@parley What is this?", [RED])
    for number in range(9):
        await here.ask("Ada", first.place, f"Question {number}?")
    for before, after in zip(here.claude.requests, here.claude.requests[1:], strict=False):
        assert begins(after.body)[: len(begins(before.body))] == begins(before.body)
        assert after.body["system"] == before.body["system"]
        assert after.body.get("tools") == before.body.get("tools")
    marked = json.dumps(here.claude.requests[-1].body)
    assert "cache_control" in marked


def begins(body: dict[str, Any]) -> list[Any]:
    """A request's messages without the marks that say up to where it is cached."""

    def unmarked(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: unmarked(inner) for key, inner in value.items() if key != "cache_control"}
        return [unmarked(inner) for inner in value] if isinstance(value, list) else value

    found: list[Any] = unmarked(body["messages"])
    return found


async def test_a_deleted_picture_is_in_no_later_prompt(here: World, channel: Room) -> None:
    first = await here.ask("Ada", channel, "@parley What is this?", [RED])
    await here.delete(channel, first.message)
    here.claude.script(Reply(text="I see nothing of that kind."))
    await here.ask("Ada", first.place, "@parley Do you still see it?")
    assert images(here) == []
