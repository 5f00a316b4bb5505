"""Rows of the fault table (docs/faults.md) that need the whole bot."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from bot.errors import StoreError
from bot.ports import Store
from bot.ports.store import Call
from bot.simulator.changes import Change
from bot.simulator.claude import Reply
from bot.simulator.faults import Fault
from bot.store import BlobLimits, open_store
from bot.telemetry import Emit
from bot.tryout.world import Room, World

STORY = "The first words are here. " + "Then follows more of it. " * 39 + "That is all."


class FullDisk:
    """The store on a disk that is full for the first `refusals` questions."""

    def __init__(self, store: Store, refusals: int) -> None:
        self.refusals = refusals
        self.store = store.around(self._full)

    def _full(self, name: str, call: Call) -> Call:
        async def accept(question: Any) -> Any:
            if self.refusals:
                self.refusals -= 1
                raise StoreError("The disk that holds the database is full.")
            return await call(question)

        return accept if name == "turns.accept" else call


async def post_and_die(here: World, channel: Room, call: str) -> tuple[Room, str]:
    """Ask; kill the bot when its first post has landed and it has not heard of it. Returns where and what was asked."""
    faults = here.discord.faults if channel.platform == "discord" else here.slack.faults
    faults.add(Fault(call, drop=True, after=True), Fault(call, delay_s=60.0, drop=True, times=9))
    here.claude.script(Reply(text=STORY, piece_s=0.01), Reply(text=STORY))
    message = await here.say("Ada", channel, "@parley Tell me")
    there = here.answered_in(channel, message)
    await here.changes(channel.platform).wait(lambda _: bool(here.answer(there, message).lines))
    await here.bot.kill()
    faults.clear()
    return there, message


@pytest.mark.parametrize("delivery", ["edit", "stream"])
async def test_row_7_where_the_thread_may_not_be_read_the_next_process_posts_once_more_and_says_so(
    here: World, delivery: str
) -> None:
    slack = here.bot.settings.slack.model_copy(update={"delivery": delivery})
    here.bot.settings = here.bot.settings.model_copy(update={"slack": slack})
    await here.restart_bot()
    here.slack.app.deny("history")
    there, message = await post_and_die(here, here.places[2], "chat.[ps]*")
    lost = here.answer(there, message).lines
    await here.start_bot()
    await here.slack.changes.wait(lambda _: here.answer(there, message).text.endswith(f"{STORY}\n(resent)"))
    assert len(lost) == 1
    assert [line.message for line in here.answer(there, message).lines][:1] == [lost[0].message]
    assert len(here.answer(there, message).lines) == 2


async def test_row_8_an_answer_begun_ten_minutes_before_the_restart_is_found_without_its_nonce(here: World) -> None:
    there, message = await post_and_die(here, here.places[0], "POST /channels/*/messages")
    begun = here.answer(there, message).lines
    here.discord.settings.clock_ahead_s += 600.0
    await here.start_bot()
    await here.discord.changes.wait(lambda _: here.answer(there, message).text == STORY)
    assert [line.message for line in here.answer(there, message).lines] == [line.message for line in begun]
    assert len(begun) == 1


async def test_row_29_a_question_that_does_not_fit_on_the_disk_is_answered_once_there_is_room(here: World) -> None:
    await here.bot.stop()
    disks: list[FullDisk] = []

    @asynccontextmanager
    async def full(path: str, kept: BlobLimits, _: Emit) -> AsyncIterator[Store]:
        async with open_store(path, kept) as store:
            disks.append(FullDisk(store, refusals=2))
            yield disks[0].store

    here.bot.open_store = full
    here.slack.settings.redeliver_after_s = 0.05
    await here.start_bot()
    answer = await here.ask("Ada", here.places[2], "@parley Is there room?")
    assert "Is there room?" in answer.text
    assert disks[0].refusals == 0
    assert here.claude.count == 1


@pytest.mark.parametrize("scope", ["global", "shared", "cloudflare"])
async def test_row_38_while_discord_blocks_calls_nothing_is_lost_and_nothing_storms(here: World, scope: str) -> None:
    channel = here.places[0]
    here.claude.script(Reply(text=STORY, piece_s=0.01))
    message = await here.say("Ada", channel, "@parley Tell me")
    there = here.answered_in(channel, message)
    await here.discord.changes.wait(lambda c: c.kind == "posted" and here.is_in(there, c))
    before = here.discord.rest.limited
    here.discord.limits.block(1.0, scope=scope)

    def is_whole(_: Change) -> bool:
        return "".join(here.answer(there, message).text.split()) == "".join(STORY.split())

    await here.discord.changes.wait(is_whole, since=len(here.discord.changes.seen), timeout_s=120)
    assert here.discord.rest.limited - before <= 3
    assert here.claude.count == 1


async def test_row_39_a_bot_that_is_thrown_out_stops_answering(here: World) -> None:
    channel = here.places[0]
    here.claude.script(Reply(text=STORY * 4, piece_s=0.02))
    message = await here.say("Ada", channel, "@parley Tell me")
    there = here.answered_in(channel, message)
    await here.discord.changes.wait(lambda c: c.kind == "posted" and here.is_in(there, c))
    here.discord.kick_bot(here.guild)
    await here.claude.next_disconnect()
    calls = len(here.discord.rest.calls)
    await here.ask("Ada", here.places[1], "Do you still answer DMs?")
    after = [call for call in here.discord.rest.calls[calls:] if there.thread in str(call)]
    assert len(after) <= 2  # an edit and a post that would say why
