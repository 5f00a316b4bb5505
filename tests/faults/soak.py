"""The bot under a steady load for a long time: its memory, descriptors and tasks must stay where they are.

    python tests/faults/soak.py --minutes 30 --rate 20

One question in five opens a thread, the others go on in threads of the last minutes; one in 50 is asked on Slack, whose
limit is 50 edits a minute. Of 500 threads on Discord the oldest is archived, as Discord does with threads in which
nobody speaks. An answer takes three to five calls: with Discord's usual 50 calls a second the bot keeps up with ten
questions a second, so here it is one that was given 200 (`discord.calls_per_s`). Prints a line every half minute, then
what people see and the slopes; the exit code is 1 if an answer is missing, half or double, or something grows.
"""

import argparse
import asyncio
import gc
import logging
import math
import os
import random
import statistics
import sys
import tempfile
import time
from collections import Counter, deque
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parent))

from process import DATABASE, ROOT

from bot.simulator.claude import Reply, SimulatedClaude
from bot.simulator.discord import SimulatedDiscord
from bot.simulator.slack import SimulatedSlack

QUESTION = "Well, what of it?"
ANSWER = "This is an answer of the usual kind, and it says nothing. " * 5
_THREADS = 500
_WARM = 0.4
"""The part of the time before which nothing is judged: caches fill, and Python's heap finds its size."""


@dataclass(frozen=True, slots=True)
class Sample:
    """The bot at one moment. `at_s` since the start; `rss` in bytes; `late_ms`: by how much its event loop was late in
    each second since the sample before, at worst.
    """

    at_s: float
    rss: int
    descriptors: int
    tasks: int
    late_ms: tuple[int, ...]

    def __str__(self) -> str:
        mb, late = self.rss / 1e6, max(self.late_ms)
        use = f"{self.at_s:6.0f} s  {mb:7.1f} MB  {self.descriptors:4d} descriptors  {self.tasks:5d} tasks"
        return f"{use}  {late:4d} ms late at worst"


class Load:
    """Questions at an even rate, and the count of those whose answer is there."""

    def __init__(self, discord: SimulatedDiscord, slack: SimulatedSlack) -> None:
        self._discord, self._slack = discord, slack
        guild = discord.add_guild("Analytical Engines")
        self._people = [discord.add_person(f"Person {n}", guild=guild) for n in range(200)]
        self._slack_people = [slack.add_person(f"person{n}") for n in range(200)]
        self._channels = [discord.add_channel(guild, f"room-{n}") for n in range(20)]
        self._slack_channels = [slack.add_channel(f"room-{n}") for n in range(20)]
        self._threads: deque[str] = deque()
        self._slack_threads: deque[tuple[str, str]] = deque(maxlen=100)
        self._chance = random.Random(7)
        self.asked = 0

    async def ask(self) -> None:
        self.asked += 1
        threads = self._slack_threads if self._chance.random() < 0.02 else self._threads
        going_on = threads and self._chance.random() < 0.8
        await (self._ask_on_slack if threads is self._slack_threads else self._ask_on_discord)(going_on=bool(going_on))

    async def _ask_on_discord(self, *, going_on: bool) -> None:
        person, text = self._chance.choice(self._people), f"{self._discord.app.mention} {QUESTION}"
        if going_on:
            with suppress(ValueError):  # that thread is not open yet
                await self._discord.say(person, self._chance.choice(self._threads), text)
                return
        self._threads.append((await self._discord.say(person, self._chance.choice(self._channels), text)).id)
        if len(self._threads) > _THREADS:
            await self._discord.archive(self._threads.popleft())

    async def _ask_on_slack(self, *, going_on: bool) -> None:
        channel, thread = self._chance.choice(self._slack_threads) if going_on else ("", "")
        channel = channel or self._chance.choice(self._slack_channels)
        person, text = self._chance.choice(self._slack_people), f"{self._slack.app.mention} {QUESTION}"
        message = await self._slack.say(person, channel, text, thread=thread)
        self._slack_threads.append((channel, thread or message.ts))

    def seen(self) -> Counter[str]:
        """Count what the bot said, by its text."""
        threads = [thread.id for channel in self._channels for thread in self._discord.threads(channel)]
        said = [
            m.content for place in (*self._channels, *threads) for m in self._discord.messages(place) if m.author.bot
        ]
        for channel in self._slack_channels:
            for root in self._slack.messages(channel):
                there = self._slack.messages(channel, root.ts)
                said += [message.shown for message in there if message.user == self._slack.app.bot.id]
        return Counter(text.strip() for text in said)


class Answered:
    """What the simulated Claude says, and how many questions it was asked: a turn may hold several."""

    def __init__(self) -> None:
        self.count = 0

    def reply(self, body: Mapping[str, Any]) -> Reply:
        self.count += str(body["messages"][-1]["content"]).count(QUESTION)
        return Reply(text=ANSWER, pieces=10)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it. `asked`, `answered`: questions; `turns`: calls of Claude, each for all that waited in a thread;
    `seen`: how often each text of the bot is seen.
    """

    samples: list[Sample]
    asked: int
    answered: int
    turns: int
    seen: Counter[str]

    def __str__(self) -> str:
        whole = self.seen[ANSWER.strip()]
        other = self.seen.total() - whole
        rss, descriptors, tasks = (self._growth(what) for what in ("rss", "descriptors", "tasks"))
        late_ms = sorted(late for sample in self.samples[1:] for late in sample.late_ms) or [0]
        return (
            f"asked {self.asked}, answered {self.answered} in {self.turns} turns; "
            f"people see {whole} answers and {other} other texts\n"
            f"growth in an hour: {rss / 1e6:+.1f} MB, {descriptors:+.1f} descriptors, {tasks:+.1f} tasks\n"
            f"the event loop was late by at most {late_ms[len(late_ms) // 2]} ms in half of all seconds, by "
            f"{late_ms[len(late_ms) * 99 // 100]} ms in 99 of 100, by {late_ms[-1]} ms in all"
        )

    @property
    def is_whole(self) -> bool:
        """Whether each question was answered once, and each answer is seen once."""
        return self.answered == self.asked and self.seen == {ANSWER.strip(): self.turns}

    @property
    def is_flat(self) -> bool:
        """Whether nothing grows."""
        return self._growth("rss") < 10e6 and abs(self._growth("descriptors")) < 20 and abs(self._growth("tasks")) < 100

    def _growth(self, what: str) -> float:
        """Return how much something grows in an hour, by a straight line through the later samples."""
        later = [sample for sample in self.samples if sample.at_s >= self.samples[-1].at_s * _WARM]
        if len(later) < 2:
            return math.nan
        line = statistics.linear_regression([s.at_s for s in later], [getattr(s, what) for s in later])
        return line.slope * 3600


async def soak(minutes: float, rate: float, directory: Path) -> Outcome:
    """Ask so many questions a second for some minutes."""
    async with AsyncExitStack() as stack:
        discord = await stack.enter_async_context(SimulatedDiscord(limits=False))
        slack = await stack.enter_async_context(SimulatedSlack(limits=False))
        answered = Answered()
        claude = await stack.enter_async_context(SimulatedClaude(otherwise=answered.reply))
        (directory / "config.toml").write_text(
            f'claude.base_url = "{claude.base_url}"\ndiscord.api_url = "{discord.api_url}"\n'
            f'discord.gateway_url = "{discord.gateway.url}"\nslack.api_url = "{slack.api_url}"\n'
            f'discord.calls_per_s = 200\nslack.delivery = "edit"\nstore.path = "{DATABASE}"\nlog.level = "warning"\n'
        )
        secrets = {"DISCORD_TOKEN": discord.app.token, "SLACK_BOT_TOKEN": slack.app.bot_token}
        secrets |= {"SLACK_APP_TOKEN": slack.app.app_token, "ANTHROPIC_API_KEY": claude.api_key}
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **secrets}
        script = Path(__file__).with_name("soak_bot.py")
        bot = await asyncio.create_subprocess_exec(
            sys.executable, script, cwd=directory, env=environment, stdout=asyncio.subprocess.PIPE
        )
        try:
            await asyncio.gather(discord.gateway.ready(60), slack.sockets.ready(60))
            load, samples, begun_s = Load(discord, slack), [], time.monotonic()
            while (now_s := time.monotonic() - begun_s) < minutes * 60:
                await asyncio.sleep(max(0.0, load.asked / rate - now_s))
                await load.ask()
                if not samples or now_s - samples[-1].at_s >= 30:
                    samples.append(await _sample(bot, now_s))
                    print(samples[-1], f"{load.asked} asked, {answered.count} answered", flush=True)
                    _forget(discord, slack, claude)
            with suppress(TimeoutError):
                await claude.until(lambda: answered.count >= load.asked, 120)
        finally:
            bot.terminate()
            await bot.wait()
        return Outcome(samples, load.asked, answered.count, len(claude.requests), load.seen())


async def _sample(bot: asyncio.subprocess.Process, at_s: float) -> Sample:
    """The bot prints a line every second: of its numbers of tasks the newest counts."""
    assert bot.stdout is not None
    seen: list[tuple[int, int]] = []
    while True:
        try:
            async with asyncio.timeout(0.2 if seen else 5):
                tasks, late_ms = (await bot.stdout.readline()).split()
                seen.append((int(tasks), int(late_ms)))
        except TimeoutError:
            break
    there = Path(f"/proc/{bot.pid}")
    rss = int((there / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    late = tuple(late_ms for _, late_ms in seen)
    return Sample(at_s, rss, len(list((there / "fd").iterdir())), seen[-1][0], late)


def _forget(discord: SimulatedDiscord, slack: SimulatedSlack, claude: SimulatedClaude) -> None:
    """The simulators remember everything: that must not eat the machine meanwhile. Nor must the collector of garbage
    look through it, ever longer: all calls of the bot would wait for that, and more connections be opened.
    """
    for seen in (discord.changes.seen, slack.changes.seen, discord.rest.calls, slack.api.calls):
        seen.clear()
    for request in claude.requests:
        request.body = {}
    gc.freeze()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--rate", type=float, default=20, help="questions a second")
    chosen = parser.parse_args()
    logging.basicConfig(level=logging.ERROR)
    with tempfile.TemporaryDirectory(prefix="parley-soak-") as directory:
        outcome = asyncio.run(soak(chosen.minutes, chosen.rate, Path(directory)))
    print(outcome)
    return 0 if outcome.is_whole and outcome.is_flat else 1


if __name__ == "__main__":
    sys.exit(main())
