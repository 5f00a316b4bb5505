"""Row 30 of the fault table: the disk fails amid the run, for the real process and what people then see."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from process import Ground, ground
from talk import LONG, answer_to, question, squeezed, token

from bot.simulator.claude import Reply

FIRST, SECOND, THIRD = token(1), token(2), token(3)
LONG_ONE = f"{LONG}0001"


class People:
    """Ada on both platforms, each with one channel."""

    def __init__(self, there: Ground) -> None:
        self._discord, self._slack = there.discord, there.slack
        guild = self._discord.add_guild("Analytical Engines")
        self._discord_ada = self._discord.add_person("Ada", guild=guild)
        self._discord_channel = self._discord.add_channel(guild, "general")
        self._slack_ada, self._slack_channel = self._slack.add_person("Ada"), self._slack.add_channel("general")

    async def ask_on_discord(self, name: str) -> str:
        text = f"{self._discord.app.mention} {question(name)}"
        return (await self._discord.say(self._discord_ada, self._discord_channel, text)).id

    async def ask_on_slack(self, name: str) -> str:
        text = f"{self._slack.app.mention} {question(name)}"
        return (await self._slack.say(self._slack_ada, self._slack_channel, text)).ts

    def on_discord(self, thread: str) -> list[str]:
        try:
            messages = self._discord.messages(thread)
        except ValueError:  # no thread was opened yet
            return []
        return [squeezed(message.content) for message in messages if message.author.id == self._discord.app.id]

    def on_slack(self, thread: str) -> list[str]:
        messages = self._slack.messages(self._slack_channel, thread)
        return [squeezed(message.shown) for message in messages if message.user == self._slack.app.bot.id]

    async def see_on_discord(self, thread: str, name: str) -> None:
        whole = [squeezed(answer_to(name))]
        if self.on_discord(thread) != whole:
            since = len(self._discord.changes.seen)
            await self._discord.changes.wait(lambda _: self.on_discord(thread) == whole, since=since, timeout_s=120)

    async def see_on_slack(self, thread: str, name: str) -> None:
        whole = [squeezed(answer_to(name))]
        if self.on_slack(thread) != whole:
            since = len(self._slack.changes.seen)
            await self._slack.changes.wait(lambda _: self.on_slack(thread) == whole, since=since, timeout_s=120)


@pytest.fixture
async def there(tmp_path: Path) -> AsyncIterator[Ground]:
    async with ground(tmp_path) as running:
        running.slack.settings.redeliver_after_s = 0.2
        yield running


async def test_row_30_when_the_disk_fails_the_bot_ends_and_the_next_one_answers_what_was_asked_once(
    there: Ground,
) -> None:
    people = People(there)
    await there.bot.start()
    await there.ready()
    answered = await people.ask_on_discord(FIRST)
    await people.see_on_discord(answered, FIRST)
    the_disk_fails(there)
    on_slack, on_discord = await asyncio.gather(people.ask_on_slack(SECOND), people.ask_on_discord(THIRD))
    assert await there.bot.ended() == 1
    says_what_to_do(there)
    assert not any(envelope.acked for envelope in there.slack.events.envelopes if envelope.ts == on_slack)
    assert [row.token for row in there.bot.rows()] == [FIRST]
    assert there.claude.count == 1
    await there.bot.start()
    await people.see_on_slack(on_slack, SECOND)
    await people.see_on_discord(on_discord, THIRD)
    assert people.on_discord(answered) == [squeezed(answer_to(FIRST))]
    assert there.claude.count == 3


async def test_row_30_an_answer_that_grows_when_the_disk_fails_does_not_hold_the_process_up(there: Ground) -> None:
    people = People(there)
    there.bot.set("limits.drain_s = 600")  # so long running answers have to end when all is well
    there.claude.script(Reply(text=answer_to(LONG_ONE), pieces=20, gate=asyncio.Event(), gate_at=10))
    await there.bot.start()
    await there.ready()
    growing = await people.ask_on_slack(LONG_ONE)
    await there.slack.changes.wait(lambda change: change.by_bot and change.kind == "posted")
    the_disk_fails(there)
    on_discord = await people.ask_on_discord(SECOND)
    assert await there.bot.ended() == 1
    says_what_to_do(there)
    assert len(people.on_slack(growing)) == 1
    await there.bot.start()
    await people.see_on_slack(growing, LONG_ONE)
    await people.see_on_discord(on_discord, SECOND)


@pytest.mark.long
async def test_row_30_a_disk_that_fails_while_the_last_answers_end_is_told_too(there: Ground) -> None:
    people, gate = People(there), asyncio.Event()
    there.claude.script(Reply(text=answer_to(LONG_ONE), pieces=20, gate=gate, gate_at=10))
    await there.bot.start()
    await there.ready()
    growing = await people.ask_on_slack(LONG_ONE)
    await there.slack.changes.wait(lambda change: change.by_bot and change.kind == "posted")
    there.bot.signal(signal.SIGTERM)
    await there.bot.printed("running_turns_may_end")
    the_disk_fails(there)
    gate.set()
    assert await there.bot.ended(10.0) == 1
    says_what_to_do(there)
    await there.bot.start()
    await people.see_on_slack(growing, LONG_ONE)


def the_disk_fails(there: Ground) -> None:
    """Let no byte be added to the write-ahead log; what the bot prints has room below that."""
    log_bytes = Path(f"{there.bot.database}-wal").stat().st_size
    assert there.bot.log.stat().st_size < log_bytes / 2
    there.bot.let_no_file_grow_beyond(log_bytes)


def says_what_to_do(there: Ground) -> None:
    printed = there.bot.log.read_text()
    last = json.loads(printed.strip().splitlines()[-1])
    assert last["reason"].startswith("The disk that holds the database fails; check it")
    assert "SQLITE_IOERR_WRITE" in last["detail"]
    assert printed.count("parley_ended") == 1
