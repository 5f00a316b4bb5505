"""What was written while the bot was away, came late, came often, or went away."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, closing
from functools import partial
from pathlib import Path
from typing import Any

from bot.events import MessageKey
from bot.ports import Store
from bot.ports.store import Call
from bot.simulator.changes import Change
from bot.simulator.claude import Reply
from bot.store import BlobLimits, open_store
from bot.telemetry import Emit
from bot.tryout.world import Room, World

HALF = "This is the first half of a story, which goes on for"


async def answered(here: World, there: Room, message: str, words: str) -> None:
    """Wait until the answer to a message shows these words."""

    def is_there(change: Change) -> bool:
        return here.is_in(there, change) and words in here.answer(there, message).text

    if words not in here.answer(there, message).text:
        await here.changes(there.platform).wait(is_there, since=len(here.changes(there.platform).seen))


async def test_row_20_what_was_asked_while_the_bot_was_away_is_answered_once(here: World, channel: Room) -> None:
    known = await here.ask("Ada", channel, "@parley Hello")
    await here.bot.stop()
    opened = await here.say("Grace", channel, "@parley Where were you?")
    followed = await here.say("Ada", known.place, "@parley And what now?")
    await here.start_bot()
    await answered(here, here.answered_in(channel, opened), opened, "Where were you?")
    await answered(here, known.place, followed, "And what now?")
    await here.restart_bot()
    await here.ask("Ada", known.place, "Once more?")
    assert here.claude.count == 4


async def test_what_was_not_for_the_bot_is_left_alone_after_its_return(here: World, channel: Room) -> None:
    await here.ask("Ada", channel, "@parley Hello")
    await here.bot.stop()
    await here.say("Grace", channel, "Only among us")
    await here.start_bot()
    await here.ask("Ada", channel, "@parley Are you there?")
    assert here.claude.count == 2


async def test_a_dm_written_while_the_bot_was_away_is_answered(here: World, dm: Room) -> None:
    await here.ask("Ada", dm, "Hello")
    await here.bot.stop()
    message = await here.say("Ada", dm, "Where were you?")
    await here.start_bot()
    await answered(here, here.answered_in(dm, message), message, "Where were you?")


async def test_row_21_what_was_asked_while_a_discord_session_was_lost_is_answered(here: World) -> None:
    channel = here.places[0]
    await here.ask("Ada", channel, "@parley Hello")
    await here.discord.gateway.drop(resumable=False)
    message = await here.say("Ada", channel, "@parley Did you hear this?")
    await answered(here, here.answered_in(channel, message), message, "Did you hear this?")
    assert here.claude.count == 2


async def test_a_last_question_edited_while_the_bot_was_away_is_answered_anew_in_place(
    here: World, channel: Room
) -> None:
    answer = await here.ask("Ada", channel, "@parley Hello")
    await away(here, here.edit("Ada", channel, answer.message, "@parley Good evening"))
    await answered(here, answer.place, answer.message, "Good evening")
    assert len(here.answer(answer.place, answer.message).lines) == 1
    assert here.claude.count == 2


async def test_a_question_deleted_while_the_bot_was_away_is_forgotten(here: World, channel: Room) -> None:
    here.claude.script(Reply(pieces=["I keep it to myself."]))
    answer = await here.ask("Ada", channel, "@parley Hello, my secret is rosebud")
    forgotten = asyncio.Event()
    here.bot.open_store = partial(open_noticed, forgotten)
    await away(here, here.delete(channel, answer.message))
    async with asyncio.timeout(120):
        await forgotten.wait()
    assert b"rosebud" not in stored(here)
    assert here.claude.count == 1


async def test_a_question_deleted_before_its_answer_began_gets_nothing(here: World, channel: Room) -> None:
    here.claude.script(Reply(pieces=[HALF], first_token_s=30.0))
    message = await here.say("Ada", channel, "@parley Hello, my secret is rosebud")
    await here.claude.until(lambda: here.claude.count == 1)
    await away(here, here.delete(channel, message))
    other = await here.ask("Grace", channel, "@parley Are you there?")
    assert "Are you there?" in other.text
    assert here.claude.count == 2
    assert b"rosebud" not in stored(here)


async def away(here: World, meanwhile: Awaitable[None]) -> None:
    """Let something happen while there is no bot, of which Slack tells the next one nothing."""
    await here.bot.kill()
    here.slack.settings.keeps_events = False
    await meanwhile
    await here.start_bot()
    here.slack.settings.keeps_events = True


def noticed(store: Store, forgotten: asyncio.Event) -> Store:
    """Return the store, which also tells when a question was forgotten."""

    def telling(name: str, call: Call) -> Call:
        async def forget(question: MessageKey) -> Any:
            turn = await call(question)
            forgotten.set()
            return turn

        return forget if name == "turns.forget" else call

    return store.around(telling)


@asynccontextmanager
async def open_noticed(forgotten: asyncio.Event, path: str, limits: BlobLimits, _: Emit) -> AsyncIterator[Store]:
    async with open_store(path, limits) as store:
        yield noticed(store, forgotten)


def stored(here: World) -> bytes:
    file = Path(here.bot.settings.store.path)
    return b"".join(part.read_bytes() for part in file.parent.glob(f"{file.name}*"))


async def test_an_old_question_gets_one_line_with_a_button(here: World) -> None:
    channel = here.places[0]
    await here.ask("Ada", channel, "@parley Hello")
    await here.bot.stop()
    with closing(sqlite3.connect(here.bot.settings.store.path)) as db, db:
        db.execute("UPDATE heard SET until_s = until_s - 7200")  # as if it had been away for two hours
    here.discord.settings.clock_ahead_s = -3600.0
    message = await here.say("Ada", channel, "@parley Anybody?")
    here.discord.settings.clock_ahead_s = 0.0
    await here.start_bot()
    there = here.answered_in(channel, message)
    await answered(here, there, message, "while I was away")
    assert here.claude.count == 1
    [line] = here.answer(there, message).lines
    assert line.buttons == ("Retry",)
    await here.press("Ada", there, line.message, "Retry")
    await answered(here, there, message, "Anybody?")


async def test_row_14_a_message_delivered_a_hundred_times_is_answered_once(here: World, channel: Room) -> None:
    answer = await here.ask("Ada", channel, "@parley Hello")
    for _ in range(100):
        if channel.platform == "discord":
            await here.discord.redeliver(answer.message)
        else:
            await here.slack.events.redeliver(channel.channel, answer.message)
    await here.ask("Ada", channel, "@parley Another")
    assert here.claude.count == 2


async def test_row_13_one_slack_message_under_two_timestamps_is_answered_once(here: World) -> None:
    channel = here.places[2]
    answer = await here.ask("Ada", channel, "@parley Hello")
    await here.slack.repeat(channel.channel, answer.message)
    await here.ask("Ada", channel, "@parley Another")
    assert here.claude.count == 2


async def test_an_answer_that_is_deleted_while_it_grows_is_not_posted_again(here: World, channel: Room) -> None:
    here.claude.script(Reply(pieces=[HALF, *[f" and word {n}" for n in range(200)]], piece_s=0.05))
    message = await here.say("Ada", channel, "@parley Tell me a story")
    there = here.answered_in(channel, message)
    await answered(here, there, message, HALF[:30])
    await here.delete(there, here.answer(there, message).lines[0].message)
    await here.claude.next_disconnect()
    assert here.answer(there, message).lines == ()
