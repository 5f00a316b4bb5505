"""Questions without words, of every kind and in every place: Claude is always asked, with what is there."""

from dataclasses import dataclass, replace

import pytest

from bot.engine.sentences import DELETED, OUR_FAULT
from bot.simulator.changes import Change
from bot.simulator.claude import Reply
from bot.simulator.pictures import picture
from bot.tryout.world import File, Room, World


@dataclass(frozen=True)
class Kind:
    """How somebody calls the bot without a word. `shown`: what Claude is to see of it."""

    text: str
    shown: str = ""
    files: tuple[File, ...] = ()
    stickers: tuple[str, ...] = ()


KINDS = {
    "a bare mention": Kind("@parley"),
    "a mention twice": Kind("@parley @parley"),
    "a mention and white space": Kind(" @parley \n "),
    "a mention and nothing that is seen": Kind("@parley \u200b\u2060", "\u200b\u2060"),
    "a mention and signs": Kind("@parley ?!", "?!"),
    "a mention and an emoji": Kind("@parley 👋", "👋"),
    "a mention and a picture": Kind("@parley", files=(("a.png", picture(30, 20, "red")),)),
    "a mention and a file": Kind("@parley", "It is all in here.", files=(("a.txt", b"It is all in here."),)),
}
OF_ITS_OWN = {
    "discord": {
        "a mention and an emoji of the server": Kind("@parley <:tada:123456789012345678>", ":tada:"),
        "a mention and a sticker": Kind("@parley", "[Sticker: Wave]", stickers=("Wave",)),
    },
    "slack": {"a mention and an emoji of the workspace": Kind("@parley :tada:", ":tada:")},
}
ALL = [(name, kind, where) for where in ("discord", "slack") for name, kind in {**KINDS, **OF_ITS_OWN[where]}.items()]

HALF, WHOLE = "This is the first half of it, which", "Here I am, and this is all of it."

every_kind = pytest.mark.parametrize(
    ("kind", "platform"), [(kind, where) for _, kind, where in ALL], ids=[f"{name}, {where}" for name, _, where in ALL]
)


async def seen(here: World, there: Room, message: str, words: str, since: int = 0) -> str:
    """Wait until the answer to a message shows these words and its buttons; return the message they stand in."""

    def is_there(change: Change) -> bool:
        lines = here.answer(there, message).lines
        return here.is_in(there, change) and any(words in line.text and "Retry" in line.buttons for line in lines)

    await here.changes(there.platform).wait(is_there, since=since)
    return next(line.message for line in here.answer(there, message).lines if words in line.text)


async def called(here: World, place: Room, kind: Kind, reply_to: str | None = None) -> tuple[str, str, str]:
    """Call the bot and wait for its answer; return the question, its answer's message, and what Claude was told."""
    turn = here.claude.count
    here.claude.script(Reply(text=WHOLE))
    message = await here.say("Ada", place, kind.text, kind.files, reply_to=reply_to, stickers=kind.stickers)
    answer = await seen(here, here.answered_in(place, message), message, WHOLE)
    assert here.claude.count == turn + 1
    return message, answer, asked(here, place, kind)


def asked(here: World, place: Room, kind: Kind) -> str:
    """What Claude was told last, which holds what is there; no block of it is empty."""
    content = here.claude.requests[-1].body["messages"][-1]["content"]
    texts = [block["text"] for block in content if block["type"] == "text"]
    assert all(text.strip() for text in texts)
    ada = f'id="{here.person_id(place.platform, "Ada")}"'
    question = [text for text in texts if text.startswith("<message ") and ada in text.partition("\n")[0]][-1]
    body = question.partition("\n")[2].removesuffix("</message>")
    assert kind.shown in (str(content) if kind.files else body)
    assert bool(body.strip()) == bool(kind.shown and not kind.files)
    assert sum(block["type"] == "image" for block in content) >= sum(name == "a.png" for name, _ in kind.files)
    return "\n".join(texts)


def about(told: str) -> str:
    assert told.count("<about>") == 1
    return told[told.index("<about>") : told.index("</about>")]


def never_wrong(here: World) -> None:
    texts = [change.text for where in (here.discord.changes, here.slack.changes) for change in where.seen]
    assert not [text for text in texts if OUR_FAULT in text or DELETED in text]


@every_kind
async def test_in_a_channel_it_is_about_what_was_said_there(here: World, channel: Room, kind: Kind) -> None:
    await here.say("Grace", channel, "The build is red since noon")
    _, _, told = await called(here, channel, kind)
    assert "The build is red since noon" in about(told)
    never_wrong(here)


@every_kind
async def test_in_a_thread_it_is_about_what_was_said_there(here: World, channel: Room, kind: Kind) -> None:
    root = await here.say("Grace", channel, "The build is red since noon")
    thread = await here.open_thread("Grace", channel, root)
    await here.say("Grace", thread, "It is the linker")
    _, _, told = await called(here, thread, kind)
    assert "The build is red since noon" in about(told)
    assert "It is the linker" in about(told)
    other = here.person_id(channel.platform, "Ada")
    await here.say("Grace", thread, f"<@{other}> what about the cache?")
    _, _, told = await called(here, thread, kind)  # which is a thread it follows now
    assert "what about the cache?" in about(told)
    assert "It is the linker" not in told
    never_wrong(here)


@every_kind
async def test_in_a_dm_it_is_answered(here: World, dm: Room, kind: Kind) -> None:
    await called(here, dm, kind)
    unnamed = replace(kind, text=kind.text.replace("@parley", ""))
    if unnamed.text.strip() or unnamed.files or unnamed.stickers:
        await called(here, dm, unnamed)
    never_wrong(here)


@every_kind
async def test_as_a_reply_it_is_about_what_it_replies_to(here: World, channel: Room, kind: Kind) -> None:
    if channel.platform == "slack":
        pytest.skip("Slack's replies are its threads")
    said = await here.say("Grace", channel, "Use a queue here")
    await here.say("Grace", channel, "Lunch?")
    _, answer, told = await called(here, channel, kind, reply_to=said)
    assert "Use a queue here" in about(told)
    assert "Lunch?" not in about(told)
    thread = here.answered_in(channel, here.discord.messages(channel.channel)[-1].id)
    _, _, told = await called(here, thread, kind, reply_to=answer)
    assert WHOLE in about(told)
    never_wrong(here)


@every_kind
async def test_retry_answers_it_again(here: World, channel: Room, kind: Kind) -> None:
    message, answer, told = await called(here, channel, kind)
    there = here.answered_in(channel, message)
    here.claude.script(Reply(text="Another one, and it is whole."))
    since = len(here.changes(channel.platform).seen)
    assert await here.press("Ada", there, answer, "Retry") == ""
    assert await seen(here, there, message, "Another one", since) == answer
    assert asked(here, channel, kind).partition("<message")[1:] == told.partition("<message")[1:]
    never_wrong(here)


@every_kind
async def test_a_kill_amid_the_answer_and_a_restart_end_in_the_answer(here: World, channel: Room, kind: Kind) -> None:
    here.claude.script(Reply(pieces=[HALF, " goes on", " and on."], piece_s=0.05, stall_after=2), Reply(text=WHOLE))
    message = await here.say("Ada", channel, kind.text, kind.files, stickers=kind.stickers)
    there = here.answered_in(channel, message)
    await here.changes(channel.platform).wait(lambda _: HALF in here.answer(there, message).text)
    await here.bot.kill()
    await here.start_bot()
    await seen(here, there, message, WHOLE)
    asked(here, channel, kind)
    never_wrong(here)
