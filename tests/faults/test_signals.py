"""Rows 24 and 25 of the fault table: the bot is told to stop while it is idle and while it answers."""

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from load import Conversation
from process import Ground, ground
from talk import LONG, answer_to, question, squeezed

from bot.engine.sentences import GIVEN_UP
from bot.simulator.claude import Reply
from bot.simulator.slack import Person

TOKEN = f"{LONG}0001"


@pytest.fixture
async def there(tmp_path: Path) -> AsyncIterator[Ground]:
    async with ground(tmp_path) as running:
        yield running


async def ask(there: Ground, gate: asyncio.Event, by: Person | None = None) -> Conversation:
    """Ask on Slack for an answer that stands still half-way until the gate opens; return when its beginning is seen."""
    there.claude.script(Reply(text=answer_to(TOKEN), pieces=20, gate=gate, gate_at=10))
    slack = there.slack
    channel = slack.add_channel("general")
    message = await slack.say(by or slack.add_person("Ada"), channel, f"{slack.app.mention} {question(TOKEN)}")
    await slack.changes.wait(lambda change: change.by_bot and change.kind == "posted")
    return Conversation("slack", channel, message.ts)


def shown(there: Ground, place: Conversation) -> list[str]:
    messages = there.slack.messages(place.channel, place.thread)
    return [squeezed(message.shown) for message in messages if message.user == there.slack.app.bot.id]


async def test_an_idle_bot_ends_and_waits_for_nothing(there: Ground) -> None:
    there.bot.set("limits.drain_s = 600")
    await there.bot.start()
    await there.ready()
    there.bot.signal(signal.SIGTERM)
    assert await there.bot.ended() == 0
    assert "running_turns_may_end" not in there.bot.log.read_text()


async def test_a_running_answer_may_end_and_the_process_ends_with_it(there: Ground) -> None:
    await there.bot.start()
    gate = asyncio.Event()
    place = await ask(there, gate)
    there.bot.signal(signal.SIGTERM)
    gate.set()
    assert await there.bot.ended() == 0
    assert shown(there, place) == [squeezed(answer_to(TOKEN))]
    assert [row.state for row in there.bot.rows()] == ["delivered"]
    assert there.claude.count == 1


@pytest.mark.parametrize("word", ["word", "reaction"])
async def test_row_24_a_stop_during_the_end_is_obeyed_and_shortens_it(there: Ground, word: str) -> None:
    there.bot.set("limits.drain_s = 600")
    await there.bot.start()
    slack, ada = there.slack, there.slack.add_person("Ada")
    place = await ask(there, asyncio.Event(), ada)
    half = shown(there, place)
    there.bot.signal(signal.SIGTERM)
    await there.bot.printed("running_turns_may_end")
    if word == "word":
        await slack.say(ada, place.channel, "stop", thread=place.thread)
    else:
        await slack.react(ada, place.channel, place.thread, "x")
    assert await there.bot.ended() == 0
    [said] = shown(there, place)
    assert said.startswith(half[0][:-1])
    assert "Stopped." in said
    assert "Traceback" not in there.bot.log.read_text()
    await there.bot.start()
    await there.ready()
    there.bot.signal(signal.SIGTERM)
    assert await there.bot.ended() == 0
    assert shown(there, place) == [said]
    assert there.claude.count == 1


async def test_row_24_a_terminal_that_is_closed_lets_running_answers_end(there: Ground) -> None:
    await there.bot.start()
    gate = asyncio.Event()
    place = await ask(there, gate)
    there.bot.signal(signal.SIGHUP)
    await there.bot.printed("running_turns_may_end")
    there.bot.signal(signal.SIGHUP)  # the shell's own, beside the terminal's
    gate.set()
    assert await there.bot.ended() == 0
    assert shown(there, place) == [squeezed(answer_to(TOKEN))]


async def test_a_second_signal_ends_it_at_once_and_the_next_process_answers_in_the_same_message(there: Ground) -> None:
    there.bot.set("limits.drain_s = 600")
    await there.bot.start()
    place = await ask(there, asyncio.Event())
    there.bot.signal(signal.SIGTERM)
    await there.bot.printed("running_turns_may_end")
    there.bot.signal(signal.SIGTERM)
    assert await there.bot.ended() == -signal.SIGTERM
    await answered_by_the_next(there, place)


async def test_an_answer_that_takes_too_long_is_finished_by_the_next_process_in_the_same_message(there: Ground) -> None:
    there.bot.set("limits.drain_s = 1")
    await there.bot.start()
    place = await ask(there, asyncio.Event())
    there.bot.signal(signal.SIGTERM)
    assert await there.bot.ended() == 0
    assert len(shown(there, place)) == 1
    await answered_by_the_next(there, place)


async def answered_by_the_next(there: Ground, place: Conversation) -> None:
    half = shown(there, place)
    assert [row.state for row in there.bot.rows()] == ["answering"]
    since = len(there.slack.changes.seen)
    await there.bot.start()
    whole = [squeezed(answer_to(TOKEN))]
    await there.slack.changes.wait(lambda _: shown(there, place) == whole, since=since)
    assert len(half) == 1
    assert there.claude.count == 2


async def test_row_23_a_process_that_stood_still_answers_what_was_asked_meanwhile_once(there: Ground) -> None:
    there.slack.settings.redeliver_after_s = 0.2
    await there.bot.start()
    await there.ready()
    channel, ada = there.slack.add_channel("general"), there.slack.add_person("Ada")
    there.bot.signal(signal.SIGSTOP)
    message = await there.slack.say(ada, channel, f"{there.slack.app.mention} {question(TOKEN)}")
    since = len(there.slack.events.envelopes)
    async with asyncio.timeout(120):
        while not any(e.retry_attempt for e in there.slack.events.envelopes[since - 1 :]):  # noqa: ASYNC110 - Slack's own clock
            await asyncio.sleep(0.02)
    there.bot.signal(signal.SIGCONT)
    place = Conversation("slack", channel, message.ts)
    whole = [squeezed(answer_to(TOKEN))]
    await there.slack.changes.wait(lambda _: shown(there, place) == whole, timeout_s=120)
    assert there.claude.count == 1


async def test_a_question_that_two_processes_died_of_is_given_up_with_a_sentence(there: Ground) -> None:
    await there.bot.start()
    place = await ask(there, asyncio.Event())
    half = shown(there, place)
    there.claude.script(Reply(text=answer_to(TOKEN), pieces=20, gate=asyncio.Event(), gate_at=10))
    await there.bot.kill()
    await there.bot.start()
    await there.claude.until(lambda: there.claude.count == 2)
    since = len(there.slack.changes.seen)
    await there.bot.kill()
    await there.bot.start()
    await there.slack.changes.wait(lambda _: squeezed(GIVEN_UP) in shown(there, place)[-1], since=since, timeout_s=30)
    assert shown(there, place)[0].startswith(half[0])
    assert there.claude.count == 2
