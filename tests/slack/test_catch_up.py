"""What was said while the bot was not there is heard when it comes back."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import aiohttp
import pytest
from loop_clock import time_passes, until
from slack_sdk.web.async_client import AsyncWebClient
from structlog.testing import capture_logs

from bot.events import Edited, Event, Incoming, Missed, Reply, ThreadKey
from bot.platforms.kernel.agenda import ChannelRef
from bot.platforms.kernel.back_off import BackOff
from bot.platforms.kernel.catch_up import CatchUp, Terms
from bot.platforms.kernel.door import Door
from bot.platforms.slack import SlackPlatform, shared_budget
from bot.platforms.slack.calls import Calls
from bot.platforms.slack.connect.sign_in import sign_in
from bot.platforms.slack.read.events import Events
from bot.platforms.slack.read.people import People
from bot.platforms.slack.read.translate import Translator
from bot.platforms.slack.sdk import sdk_logger
from bot.platforms.slack.source import TERMS, Pace, SlackSource
from bot.reply import Pacer
from bot.simulator.faults import Fault
from bot.simulator.slack import Message, Person, SimulatedSlack

DAY_S = 86_400.0
USUAL = Pace()
BRISK = replace(TERMS, note_every_s=0.02)
QUICK = replace(BRISK, gap_s=0.5, back_off=BackOff(0.01, 60.0))


@dataclass
class Log:
    """The `Checkpoints`; `noted` is set with each note."""

    until_s: float = 0.0
    asked_in: list[ThreadKey] = field(default_factory=list)
    notes: list[float] = field(default_factory=list)
    fail_with: Exception | None = None
    noted: asyncio.Event = field(default_factory=asyncio.Event)

    async def last(self, platform: str) -> float:
        assert platform == "slack"
        return self.until_s

    async def save(self, platform: str, at_s: float) -> None:
        assert platform == "slack"
        if self.fail_with is not None:
            error, self.fail_with = self.fail_with, None
            raise error
        self.notes.append(at_s)
        self.until_s = max(self.until_s, at_s)
        self.noted.set()

    async def threads(self, platform: str, since_s: float) -> Sequence[ThreadKey]:
        del since_s
        return [thread for thread in self.asked_in if thread.platform == platform]

    async def is_ours(self, idempotency_key: str) -> bool:
        """What the bot posts here is in no store."""
        del idempotency_key
        return False

    async def next_note(self) -> float:
        async with asyncio.timeout(120):
            self.noted.clear()
            await self.noted.wait()
        return self.notes[-1]


@dataclass
class Bot:
    """A bot that knows Slack and is not connected yet."""

    slack: SimulatedSlack
    log: Log
    channel: str
    ann: Person
    fail: int = 0
    missed: int = 0
    source: SlackSource = field(init=False)
    clock_s: Callable[[], float] = field(init=False)
    terms: Terms = field(init=False)
    catch_up: CatchUp[Any] = field(init=False)
    heard: list[Incoming] = field(default_factory=list)
    connected: asyncio.Event = field(default_factory=asyncio.Event)
    hearing: asyncio.Event = field(default_factory=asyncio.Event)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.go_on.set()

    def new_catch_up(self) -> CatchUp[Any]:
        """Return a catch-up of a process that has just started."""
        return CatchUp(self.source, Door("slack", self.handle), self.log, self.clock_s, self.terms)

    async def handle(self, event: Event) -> Reply:
        if isinstance(event, Missed):
            self.missed += 1
            return Reply()
        self.hearing.set()
        await self.go_on.wait()
        if self.fail:
            self.fail -= 1
            raise OSError("disk full")
        message = event.message if isinstance(event, Edited) else event
        assert isinstance(message, Incoming)
        self.heard.append(message)
        return Reply()

    async def say(self, text: str, where: str = "", **more: Any) -> Message:
        return await self.slack.say(self.ann, where or self.channel, text, **more)

    def texts(self) -> list[str]:
        return [question.text for question in self.heard]

    def calls(self, method: str) -> list[dict[str, Any]]:
        return [dict(call.args) for call in self.slack.api.calls if call.method == method]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.catch_up.run(self.connected))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def come_back(self) -> list[str]:
        """Connect, catch up, note it and leave; what was heard."""
        async with self.running():
            self.connected.set()
            await self.log.next_note()
        return self.texts()


@asynccontextmanager
async def away(
    terms: Terms = QUICK, pace: Pace = USUAL, *, since_s: float | None = None, limits: bool = True
) -> AsyncIterator[Bot]:
    """A bot that heard everything until a moment ago (`since_s`: seconds since 1970)."""
    async with SimulatedSlack(limits=limits) as slack, aiohttp.ClientSession() as session:
        client = AsyncWebClient(
            slack.app.bot_token, slack.api_url, session=session, retry_handlers=[], logger=sdk_logger()
        )
        calls = Calls(Pacer([shared_budget()]))
        me = await sign_in(client, calls.clock)
        calls.use(client, me)
        log = Log(time.time() - 1.0 if since_s is None else since_s)
        bot = Bot(slack, log, slack.add_channel("general"), slack.add_person("Ann"))
        bot.source = SlackSource(calls, Events(Translator(calls, People(calls)), me), me, pace=pace)
        bot.clock_s, bot.terms = calls.clock.now_s, terms
        bot.catch_up = bot.new_catch_up()
        yield bot


def key(bot: Bot, thread: str, channel: str = "") -> ThreadKey:
    return ThreadKey("slack", bot.slack.app.team_id, channel or bot.channel, thread)


async def test_what_was_said_while_the_bot_was_away_is_heard_oldest_first() -> None:
    async with away() as bot:
        for number in range(5):
            await bot.say(f"number {number}")
        assert await bot.come_back() == [f"number {number}" for number in range(5)]


async def test_it_is_heard_as_the_event_it_would_have_been() -> None:
    async with away() as bot:
        said = await bot.say(f"{bot.slack.app.mention} what is this?", files=[("a.txt", b"words")])
        alone = await bot.say("just us", bot.slack.dm(bot.ann))
        await bot.come_back()
        asked, direct = bot.heard
        assert (asked.key.message, asked.thread, asked.text) == (said.ts, key(bot, said.ts), "what is this?")
        assert (asked.mentions_bot, asked.direct, asked.in_thread) == (True, False, False)
        assert [upload.name for upload in asked.uploads] == ["a.txt"]
        assert (direct.key.message, direct.direct, direct.author.name) == (alone.ts, True, "Ann")


async def test_what_was_edited_meanwhile_is_heard_as_it_is_now_and_what_was_deleted_is_not() -> None:
    async with away() as bot:
        edited, deleted = await bot.say("first draft"), await bot.say("never mind")
        await bot.slack.edit(bot.ann, bot.channel, edited.ts, "second draft")
        await bot.slack.delete(bot.channel, deleted.ts)
        assert await bot.come_back() == ["second draft"]


async def test_a_mention_added_meanwhile_is_heard_as_an_edit() -> None:
    async with away() as bot:
        edited, unchanged = await bot.say("what do you think?"), await bot.say("see https://example.org")
        await bot.slack.unfurl(bot.channel, unchanged.ts)
        bot.log.until_s = time.time()
        await bot.slack.edit(bot.ann, bot.channel, edited.ts, f"{bot.slack.app.mention} what do you think?")
        assert await bot.come_back() == ["what do you think?"]
        assert (bot.heard[0].key.message, bot.heard[0].mentions_bot) == (edited.ts, True)


async def test_bots_and_notices_are_not_heard() -> None:
    async with away() as bot:
        robot = bot.slack.add_person("Robot", bot=True)
        await bot.slack.say(robot, bot.channel, "beep")
        assert await bot.come_back() == []


async def test_replies_in_threads_the_bot_was_asked_in_are_heard() -> None:
    async with away(replace(BRISK, margin_s=0.0)) as bot:
        root = await bot.say("an old question")
        bot.log.asked_in = [key(bot, root.ts)]
        bot.log.until_s = float(root.ts)
        await bot.say("and this?", thread=root.ts)
        assert await bot.come_back() == ["and this?"]
        assert bot.heard[0].thread == key(bot, root.ts)


async def test_replies_below_what_was_said_meanwhile_are_heard_and_broadcast_ones_too() -> None:
    async with away() as bot:
        root = await bot.say("a new thread")
        await bot.say("below it", thread=root.ts)
        await bot.say("to all", thread=root.ts, broadcast=True)
        assert set(await bot.come_back()) == {"a new thread", "below it", "to all"}


async def test_what_was_said_before_the_bot_left_is_not_fetched() -> None:
    async with away(replace(BRISK, margin_s=0.0)) as bot:
        before = await bot.say("before")
        bot.log.until_s = float(before.ts)
        await bot.say("after")
        assert await bot.come_back() == ["after"]


async def test_a_bot_that_was_never_there_before_fetches_nothing() -> None:
    async with away(since_s=0.0) as bot:
        await bot.say("long before its time")
        assert await bot.come_back() == []
        assert bot.calls("conversations.history") == []
        bot.heard.clear()
        await bot.say("while it was away")
        assert bot.missed == 0
        bot.catch_up = bot.new_catch_up()
        assert await bot.come_back() == ["while it was away"]
        assert bot.missed == 1


async def test_row_20_no_more_than_the_window_is_fetched() -> None:
    async with away(since_s=time.time() - 30 * DAY_S) as bot:
        await bot.come_back()
        (call,) = bot.calls("conversations.history")
        assert time.time() - float(call["oldest"]) == pytest.approx(9 * DAY_S, abs=60)  # threads may be a week older


async def test_a_clock_that_was_ahead_hides_nothing() -> None:
    async with away(since_s=time.time() + DAY_S) as bot:
        await bot.say("said now")
        assert await bot.come_back() == ["said now"]


async def test_nothing_is_noted_before_what_was_missed_is_handed_in() -> None:
    async with away() as bot:
        since_s = bot.log.until_s
        await bot.say("question")
        bot.slack.faults.add(Fault("conversations.history", status=503, times=3))
        bot.fail = 2
        assert await bot.come_back() == ["question"]
        assert len(bot.log.notes) >= 1
        assert min(bot.log.notes) > since_s
        assert len(bot.calls("conversations.history")) == 6  # three were refused, two were not heard


async def test_a_bot_that_leaves_while_it_catches_up_notes_nothing() -> None:
    async with away() as bot:
        await bot.say("question")
        bot.go_on.clear()
        async with bot.running():
            bot.connected.set()
            await bot.hearing.wait()
        assert bot.log.notes == []


async def test_what_is_noted_is_what_was_surely_heard() -> None:
    async with away(replace(BRISK, margin_s=0.1)) as bot:
        begun_s = time.time()
        async with bot.running():
            bot.connected.set()
            first = await bot.log.next_note()
            assert begun_s <= first <= time.time()
            while (note := await bot.log.next_note()) == first:
                pass
            assert first < note <= time.time() - 0.1


async def test_nothing_is_noted_without_a_connection_and_a_long_gap_is_caught_up_with() -> None:
    async with away(replace(BRISK, gap_s=0.1, margin_s=0.0)) as bot, bot.running():
        bot.connected.set()
        await bot.log.next_note()
        bot.connected.clear()
        await bot.say("into the void")
        notes = len(bot.log.notes)
        await asyncio.sleep(0.2)  # the gap itself
        assert len(bot.log.notes) <= notes + 1
        bot.connected.set()
        await bot.log.next_note()
        assert bot.texts() == ["into the void"]


async def test_a_short_gap_is_left_to_slack() -> None:
    async with away(replace(QUICK, gap_s=600.0)) as bot, bot.running():
        bot.connected.set()
        await bot.log.next_note()
        bot.connected.clear()
        bot.connected.set()
        await bot.log.next_note()
        assert len(bot.calls("conversations.history")) == 1


async def test_leaving_in_good_order_is_noted() -> None:
    async with away(replace(TERMS, note_every_s=60.0, margin_s=0.0)) as bot:
        async with bot.running():
            bot.connected.set()
            await bot.log.next_note()
        assert len(bot.log.notes) == 2


async def test_a_log_that_cannot_be_written_for_a_while_is_a_gap() -> None:
    async with away() as bot, bot.running():
        bot.connected.set()
        await bot.log.next_note()
        await bot.say("said while the disk was full")
        bot.log.fail_with = OSError("disk full")
        await bot.log.next_note()
        assert bot.texts() == ["said while the disk was full"]


async def test_a_catch_up_that_a_gap_interrupts_begins_anew_and_what_is_being_heard_is_heard_to_its_end() -> None:
    async with away(replace(BRISK, gap_s=0.1)) as bot, bot.running():
        await bot.say("question")
        bot.go_on.clear()
        bot.connected.set()
        await bot.hearing.wait()
        bot.connected.clear()
        await bot.say("in the gap")
        await asyncio.sleep(0.2)  # the gap itself
        bot.connected.set()
        with capture_logs() as logs:
            await until(lambda: any(entry["event"] == "catches_up" for entry in logs))
        assert bot.log.notes == []
        bot.go_on.set()
        await bot.log.next_note()
        assert list(dict.fromkeys(bot.texts())) == ["question", "in the gap"]


async def test_a_first_mention_in_an_old_thread_is_found() -> None:
    async with away() as bot:
        old = await bot.say("an old topic, nothing for the bot")
        quiet = await bot.say("another one")
        await bot.say("a reply from before", thread=quiet.ts)
        bot.log.until_s = time.time()
        bot.log.asked_in = [key(bot, quiet.ts)]
        mention = await bot.say(f"{bot.slack.app.mention} what do you think?", thread=old.ts)
        assert await bot.come_back() == ["what do you think?"]
        assert bot.heard[0].key.message == mention.ts
        assert [call["ts"] for call in bot.calls("conversations.replies")] == [old.ts]  # the quiet one is not read


async def test_a_place_that_cannot_be_read_is_left_out() -> None:
    async with away() as bot:
        bot.log.asked_in = [key(bot, "1.000001"), key(bot, "2.000001", "C0GONE")]
        await bot.say("question")
        assert await bot.come_back() == ["question"]


async def test_without_the_scope_to_list_channels_those_of_its_threads_are_read() -> None:
    async with away() as bot:
        bot.slack.app.deny("channels")
        root = await bot.say("an old question")
        bot.log.asked_in = [key(bot, root.ts)]
        assert "an old question" in await bot.come_back()
        bot.log.asked_in = []


async def test_a_long_channel_is_read_page_by_page() -> None:
    async with away() as bot:
        for number in range(230):
            await bot.say(f"number {number}")
        assert await bot.come_back() == [f"number {number}" for number in range(230)]
        assert len(bot.calls("conversations.history")) == 2


async def test_of_a_flood_the_newest_are_heard() -> None:
    async with away() as bot:
        for number in range(1100):
            await bot.say(f"number {number}")
        assert await bot.come_back() == [f"number {number}" for number in range(100, 1100)]


async def test_of_very_many_channels_those_are_read_where_the_bot_was_asked_lately() -> None:
    async with away(QUICK, Pace(call_every_s=0.0), limits=False) as bot:
        last = [bot.slack.add_channel(f"channel-{number}") for number in range(210)][-1]
        bot.log.asked_in = [key(bot, "1.000001", last)]
        with capture_logs() as logs:
            await bot.come_back()
        read = [call["channel"] for call in bot.calls("conversations.history")]
    assert (len(read), read[0]) == (200, last)
    assert [entry["channels"] for entry in logs if entry["event"] == "slack_places_left_out"] == [211]


async def test_tier_three_is_kept_well_below() -> None:
    async with away(QUICK, Pace(call_every_s=0.1, burst_s=0.3)) as bot:
        for number in range(8):
            bot.slack.add_channel(f"channel-{number}")
        await bot.come_back()
        at_s = [call.at_s for call in bot.slack.api.calls if call.method == "conversations.history"]
    assert len(at_s) == 9
    assert at_s[8] - at_s[0] > 0.45
    assert bot.slack.api.limited == 0


async def test_after_it_was_told_the_class_of_distributed_apps_the_bot_keeps_to_it() -> None:
    async with away(QUICK, Pace(slow_after_s=0.0, slow_every_s=0.2)) as bot:
        await bot.say("here")
        await bot.say("there", bot.slack.add_channel("other"))
        bot.slack.faults.add(Fault("conversations.history", status=429, headers={"Retry-After": "0"}))
        with capture_logs() as logs:
            assert set(await bot.come_back()) == {"here", "there"}
        calls = [call for call in bot.slack.api.calls if call.method == "conversations.history"]
    assert [int(call.args["limit"]) for call in calls] == [200, 15, 15]
    assert calls[2].at_s - calls[1].at_s > 0.15
    assert [entry["event"] for entry in logs].count("slack_history_is_slow") == 1


async def test_the_class_of_distributed_apps_is_recognised_by_the_wait_it_asks_for() -> None:
    async with away() as bot:
        bot.slack.settings.slow_history = True
        for number in range(20):
            await bot.say(f"number {number}")
        with capture_logs() as logs:
            reading = asyncio.create_task(bot.source.read(ChannelRef(bot.channel), time.time() - DAY_S))
            await until(lambda: logs)
        assert not reading.done()
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        assert len(bot.calls("conversations.history")) == 2
        assert [entry["event"] for entry in logs] == ["slack_history_is_slow"]


async def test_what_takes_too_long_is_cut_short_and_said_so() -> None:
    async with away(replace(BRISK, longest_s=300.0)) as bot:
        bot.slack.faults.add(Fault("conversations.history", status=429, headers={"Retry-After": "6000"}))
        with capture_logs() as logs:
            async with bot.running():
                bot.connected.set()
                await until(lambda: bot.calls("conversations.history"))
                time_passes(300.0)
                await bot.log.next_note()
        assert [entry["places_left"] for entry in logs if entry["event"] == "catch_up_cut_short"] == [1]


async def test_what_is_said_live_in_a_thread_waits_for_what_was_missed_there() -> None:
    async with away() as bot:
        roots = [await bot.say(f"topic {number}") for number in range(12)]
        bot.log.until_s, bot.log.asked_in = time.time(), [key(bot, root.ts) for root in roots]
        bot.slack.events.lose(times=12)
        for root in roots:
            await bot.say("missed", thread=root.ts)
        platform = SlackPlatform(bot.slack.app.bot_token, bot.slack.app.app_token, api_url=bot.slack.api_url)
        running = asyncio.create_task(platform.run(bot.handle, bot.log, bot.log.is_ours))
        try:
            await bot.slack.sockets.ready()
            await bot.say("live", thread=roots[-1].ts)
            async with asyncio.timeout(120):
                while "live" not in bot.texts():
                    bot.hearing.clear()
                    await bot.hearing.wait()
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
    there = [question.text for question in bot.heard if question.in_thread and question.thread.thread == roots[-1].ts]
    assert there[:2] == ["missed", "live"]


async def test_what_is_said_live_in_a_thread_waits_for_its_root_that_was_missed() -> None:
    async with away() as bot:
        for number in range(6):
            bot.slack.add_channel(f"another-{number}")
        last = bot.slack.add_channel("last")
        bot.slack.events.lose(times=2)
        root = await bot.say(f"{bot.slack.app.mention} missed", last)
        platform = SlackPlatform(bot.slack.app.bot_token, bot.slack.app.app_token, api_url=bot.slack.api_url)
        running = asyncio.create_task(platform.run(bot.handle, bot.log, bot.log.is_ours))
        try:
            await bot.slack.sockets.ready()
            await bot.say("live", last, thread=root.ts)
            async with asyncio.timeout(120):
                while "live" not in bot.texts():
                    bot.hearing.clear()
                    await bot.hearing.wait()
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
    assert bot.texts()[0] == "missed"


async def test_row_20_a_bot_that_comes_back_hears_what_it_missed_and_what_is_said_now() -> None:
    async with away() as bot:
        bot.slack.events.lose(times=2)
        missed = await bot.say(f"{bot.slack.app.mention} are you there?")
        platform = SlackPlatform(bot.slack.app.bot_token, bot.slack.app.app_token, api_url=bot.slack.api_url)
        running = asyncio.create_task(platform.run(bot.handle, bot.log, bot.log.is_ours))
        try:
            await bot.log.next_note()
            assert [question.key.message for question in bot.heard] == [missed.ts]
            assert bot.heard[0].mentions_bot
            bot.hearing.clear()
            await bot.say("and now?")
            await bot.hearing.wait()
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
    assert bot.texts() == ["are you there?", "and now?"]
    assert len(bot.log.notes) >= 2
