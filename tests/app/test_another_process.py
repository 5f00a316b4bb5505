"""A second process on the same tokens, with a database of its own, is noticed and said; a restart is neither."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from logs import Logs, capture_logs

from bot.config import StoreSettings
from bot.tryout.world import Bot, Room, World

ANOTHER = "another_process_answers"


@asynccontextmanager
async def another(here: World, directory: Path, logs: Logs) -> AsyncIterator[Bot]:
    """A second process, which is connected to both platforms."""
    settings = here.bot.settings.model_copy(update={"store": StoreSettings(path=str(directory / "another.sqlite3"))})
    bot = Bot(settings, here.bot._secrets)
    begun = len(logs.of("discord_ready"))
    bot.start()
    try:
        await logs.until("discord_ready", times=begun + 1)
        await here.slack.sockets.ready(sockets=4)
        yield bot
    finally:
        await bot.kill()


async def test_two_processes_on_one_token_are_noticed_by_what_the_other_posts(
    here: World, channel: Room, tmp_path: Path
) -> None:
    with capture_logs() as logs:
        async with another(here, tmp_path, logs):
            for number in range(3):  # Slack gives an event to either of them
                await here.say("Ada", channel, f"@parley Question {number}")
            assert (await logs.until(ANOTHER))[0]["platform"] == channel.platform


async def test_a_restart_with_the_same_database_is_silent(here: World, channel: Room, dm: Room) -> None:
    with capture_logs() as logs:
        await here.ask("Ada", channel, "@parley Before.")
        await here.restart_bot()
        await here.ask("Ada", dm, "After it.")
        # One is killed amid its answer, and the next takes over what it had posted.
        since = len(here.changes(channel.platform).seen)
        message = await here.say("Grace", channel, "@parley " + "Tell me a long story. " * 30)
        there = here.answered_in(channel, message)
        await here.changes(channel.platform).wait(lambda one: one.by_bot and here.is_in(there, one), since=since)
        await here.bot.kill()
        await here.start_bot()
        await logs.until("turn_ended", times=3)
        await here.ask("Ada", replace(channel, thread=""), "@parley And again.")
        assert logs.of(ANOTHER) == []


@pytest.mark.parametrize("copied", [False, True])
async def test_a_database_that_was_moved_finds_what_it_had_posted(
    here: World, channel: Room, tmp_path: Path, *, copied: bool
) -> None:
    with capture_logs() as logs:
        await here.ask("Ada", channel, "@parley Before.")
        await here.bot.stop()
        old, new = Path(here.bot.settings.store.path), tmp_path / "moved.sqlite3"
        new.write_bytes(old.read_bytes())
        if not copied:
            old.unlink()
        here.bot.settings = here.bot.settings.model_copy(update={"store": StoreSettings(path=str(new))})
        await here.start_bot()
        await here.ask("Ada", channel, "@parley After.")
        assert logs.of(ANOTHER) == []
