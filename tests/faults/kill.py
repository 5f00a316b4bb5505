"""The bot under load, killed with SIGKILL at random moments and started again at once, while calls to the platforms
fail: every accepted question gets one whole answer in its place, in order, and no answer is paid for twice.

    python tests/faults/kill.py --questions 2000 --kills 200

prints the counts; the exit code is 1 if any is not 0 that must be.
"""

import argparse
import asyncio
import collections
import logging
import random
import signal
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from load import Conversation, People
from process import Ground, Row, ground
from talk import asked, judged
from weather import seen, weather

ENDED = {"delivered", "failed", "stopped"}
RECORDED = ENDED | {"answered"}
_LATE_AFTER_S = 6 * 3600
"""A run lasts longer than the quarter of an hour after which a question gets a line instead of an answer."""
_SEEN_WITHIN_S = 600.0
"""Of Slack's threads, of which there are hundreds, one is read in two seconds."""


@dataclass
class Report:
    """What came of it. `wrong`: the tokens, by kind; `unheard`: Discord DMs nobody heard."""

    asked: int = 0
    accepted: int = 0
    on_discord: int = 0
    unheard: int = 0
    given_up: int = 0
    turns: int = 0
    kills: int = 0
    kills_at_start: int = 0
    calls: int = 0
    faults: int = 0
    claude_calls: int = 0
    paid_twice: list[str] = field(default_factory=list)
    wrong: dict[str, list[str]] = field(default_factory=lambda: collections.defaultdict(list))
    unended: int = 0
    failed: int = 0
    exit_code: int | None = None
    seconds: float = 0.0
    settled_s: float = 0.0

    @property
    def violations(self) -> int:
        return sum(map(len, self.wrong.values())) + len(self.paid_twice) + self.unended + self.failed

    def __str__(self) -> str:
        wrong = {kind: len(self.wrong[kind]) for kind in ("lost", "double", "half", "disorder", "other")}
        failing = 100 * self.faults / max(1, self.calls)
        each = self.claude_calls / max(1, self.turns)
        lines = [
            f"questions   {self.asked} asked, {self.accepted} accepted, in {self.turns} turns",
            f"on Discord  {self.on_discord} of the accepted",
            f"unheard     {self.unheard} Discord DMs opened while no bot was there, {self.given_up} given up by Slack",
            f"kills       {self.kills}, {self.kills_at_start} of them while it started",
            f"calls       {self.calls} to the platforms, {self.faults} of them failed or late ({failing:.1f} %)",
            f"lost        {wrong['lost']}",
            f"double      {wrong['double']}",
            f"half        {wrong['half']}",
            f"disorder    {wrong['disorder']}",
            f"other text  {wrong['other']}",
            f"Claude      {self.claude_calls} calls, {each:.2f} a turn; {len(self.paid_twice)} for a recorded answer",
            f"unended     {self.unended}, failed or stopped {self.failed}, exit code {self.exit_code}",
            f"time        {self.seconds:.0f} s, {self.settled_s:.1f} s of them after the last start",
        ]
        names = [f"  {kind}: {', '.join(found[:6])}" for kind, found in self.wrong.items() if found]
        return "\n".join([*lines, *names, *(f"  paid twice: {name}" for name in self.paid_twice[:6])])


class Ordeal:
    """One run of it."""

    def __init__(self, there: Ground, questions: int, kills: int, seed: int, share: float) -> None:
        self._there, self._bot = there, there.bot
        self._questions, self._kills, self._share = questions, kills, share
        self._chance = random.Random(seed)
        self._people = People(there, random.Random(seed + 1))
        self._may_ask = asyncio.Semaphore(0)
        self._knows_discord = False
        self._recorded: dict[str, int] = {}
        self.report = Report()

    async def run(self) -> Report:
        begun_s = time.monotonic()
        self._bot.set(f"limits.late_after_s = {_LATE_AFTER_S}")
        faults = weather(self._chance, self._share, 60 * self._questions)
        half = len(faults) // 2
        self._there.discord.faults.add(*faults[:half])
        self._there.slack.faults.add(*faults[half:])
        async with asyncio.TaskGroup() as group:
            asking = group.create_task(self._ask())
            lives = self._kills - 1
            for number in range(lives):
                await self._live_and_die(self._questions * (number + 1) // lives - self._questions * number // lives)
            if not asking.done():
                await self._bot.start()
                await self._there.ready()
                self._knows_discord = True
                self._let_ask(self._questions)
                await asking
                await self._bot.kill()
        await self._live_and_die(0)
        await self._bot.start()
        started_s = time.monotonic()
        await self._there.ready()
        await self._people.see_all(lambda c: self._wanted(c, self._bot.rows()), within_s=_SEEN_WITHIN_S)
        self.report.settled_s = time.monotonic() - started_s
        await self._end()
        self.report.faults = seen(faults)
        self.report.calls = len(self._there.discord.rest.calls) + len(self._there.slack.api.calls)
        self.report.seconds = time.monotonic() - begun_s
        return self.report

    async def _ask(self) -> None:
        while self._people.asked < self._questions:
            await self._may_ask.acquire()
            await self._people.ask(discord=self._knows_discord)
            await asyncio.sleep(self._chance.expovariate(8.0))

    def _let_ask(self, questions: int) -> None:
        for _ in range(questions):
            self._may_ask.release()

    async def _live_and_die(self, questions: int) -> None:
        """One process, from its start to its death at a random moment: in six of seven cases when it is connected."""
        at_start = questions // 3
        self._let_ask(at_start)
        await self._bot.start()
        if self._chance.random() < 1 / 7:
            self.report.kills_at_start += 1
            await asyncio.sleep(self._chance.uniform(0.1, 1.5))
        else:
            await self._there.ready()
            self._knows_discord = True
            self._let_ask(questions - at_start)
            await asyncio.sleep(self._chance.uniform(0.0, 4.0))
        assert self._bot.runs, f"the bot ended by itself: see {self._bot.log}"
        await self._bot.kill()
        self.report.kills += 1
        self._look()

    def _look(self) -> list[Row]:
        """Read the dead bot's database; what it has recorded must not be asked again."""
        rows = self._bot.rows()
        for row in rows:
            if row.state in RECORDED:
                self._recorded.setdefault(row.token, len(self._there.claude.requests))
        return rows

    def _wanted(self, there: Conversation, accepted: list[Row]) -> list[str]:
        """All questions count: Slack delivers again what it could not, and on Discord what was missed is fetched. But a
        Discord DM that was opened while no bot was there cannot be found: there those count that are accepted.
        """
        known = {row.token for row in accepted}
        return [name for name, _ in there.asked if not (there.platform == "discord" and there.direct) or name in known]

    async def _end(self) -> None:
        report, slack = self.report, self._there.slack
        self._bot.signal(signal.SIGTERM)
        report.exit_code = await self._bot.ended()
        rows = self._bot.rows()
        report.asked, report.accepted = self._people.asked, len(rows)
        report.on_discord = sum(row.platform == "discord" for row in rows)
        acknowledged = {(e.channel, e.ts) for e in slack.events.envelopes if e.acked}
        report.given_up = sum(
            e.retry_attempt >= 3 and (e.channel, e.ts) not in acknowledged for e in slack.events.envelopes
        )
        report.unended = sum(row.state not in ENDED for row in rows)
        report.failed = sum(row.state in {"failed", "stopped"} for row in rows)
        for there in self._people.conversations:
            wanted = self._wanted(there, rows)
            report.unheard += len(there.asked) - len(wanted)
            for kind, names in judged(self._people.shown(there), wanted).items():
                report.wrong[kind] += names
        self._count_claude()

    def _count_claude(self) -> None:
        report = self.report
        leaders = set()
        for number, request in enumerate(self._there.claude.requests):
            names = asked(request.body)
            leaders.add(names[0])
            report.claude_calls += 1
            report.paid_twice += [name for name in names if self._recorded.get(name, number + 1) <= number]
        report.turns = len(leaders)


async def ordeal(directory: Path, *, questions: int, kills: int, seed: int = 1, share: float = 0.07) -> Report:
    """Run it in a directory, where the database and the bot's log stay."""
    async with ground(directory) as there:
        return await Ordeal(there, questions, kills, seed, share).run()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=int, default=100)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--faults", type=float, default=0.07, help="share of the platforms' calls that fail")
    options = parser.parse_args()
    logging.disable(logging.ERROR)  # the simulators tell of every connection that a dead bot left
    directory = Path(tempfile.mkdtemp(prefix="parley-faults-"))
    print(f"seed {options.seed}; the bot's log is in {directory}", flush=True)
    report = asyncio.run(
        ordeal(directory, questions=options.questions, kills=options.kills, seed=options.seed, share=options.faults)
    )
    print(report)
    return 1 if report.violations else 0


if __name__ == "__main__":
    sys.exit(main())
