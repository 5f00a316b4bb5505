"""Power loss under load: the database's files copied at random moments open whole and hold what was acknowledged.

    python tests/faults/power.py --copies 100

The process stands still (SIGSTOP) while its files are copied, so that a copy is one moment's. Of each copy a second
one is made whose log is cut at a random byte, as a disk leaves it that was writing: it too must open whole.
"""

import argparse
import asyncio
import random
import shutil
import signal
import sqlite3
import sys
import tempfile
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from load import People
from process import DATABASE, Ground, ground, rows_of


@dataclass
class Report:
    """What came of it. `acknowledged`: events acknowledged before the last copy, of which none may be missing."""

    copies: int = 0
    acknowledged: int = 0
    cut: int = 0
    damaged: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.copies} copies, {self.acknowledged} messages acknowledged by the last one, {len(self.missing)} "
            f"missing; {self.cut} copies with a log cut at random; {len(self.damaged)} damaged"
        )


async def lose_power(there: Ground, directory: Path, copies: int, seed: int) -> Report:
    """Let people ask until so many copies are made and looked at."""
    chance, report = random.Random(seed), Report()
    people = People(there, random.Random(seed + 1))
    await there.bot.start()
    await there.ready()
    asking = asyncio.create_task(_ask(people, chance))
    try:
        for number in range(copies):
            await asyncio.sleep(chance.uniform(0.02, 0.25))
            assert there.bot.runs, there.bot.log.read_text()[-2000:]
            assert not asking.done()
            asked = {message for place in people.conversations for _, message in place.asked}
            await _one_copy(there, asked, directory / str(number), chance, report)
    finally:
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
    return report


async def _ask(people: People, chance: random.Random) -> None:
    while True:
        await people.ask(discord=True)
        await asyncio.sleep(chance.expovariate(25.0))


async def _one_copy(there: Ground, asked: set[str], directory: Path, chance: random.Random, report: Report) -> None:
    acknowledged = asked & {envelope.ts for envelope in there.slack.events.envelopes if envelope.acked}
    there.bot.signal(signal.SIGSTOP)
    try:
        copy = there.bot.copy_database(directory / "whole")
    finally:
        there.bot.signal(signal.SIGCONT)
    cut = _with_cut_log(copy, directory / "cut", chance)
    report.copies += 1
    report.acknowledged = len(acknowledged)
    _check(copy, report)
    report.missing += sorted(acknowledged - {row.message for row in rows_of(copy)})
    if cut is not None:
        report.cut += 1
        _check(cut, report)
    shutil.rmtree(directory)


def _with_cut_log(copy: Path, to: Path, chance: random.Random) -> Path | None:
    log = copy.with_name(f"{DATABASE}-wal")
    if not log.exists() or not log.stat().st_size:
        return None
    to.mkdir()
    shutil.copyfile(copy, to / DATABASE)
    content = log.read_bytes()
    (to / log.name).write_bytes(content[: chance.randrange(len(content))])
    return to / DATABASE


def _check(database: Path, report: Report) -> None:
    with closing(sqlite3.connect(database)) as db:
        for pragma, fine in (("integrity_check", [("ok",)]), ("foreign_key_check", [])):
            found = db.execute(f"PRAGMA {pragma}").fetchall()
            if found != fine:
                report.damaged.append(f"{pragma}: {found[0]}")


async def power_loss(directory: Path, *, copies: int, seed: int = 1) -> Report:
    bot, kept = directory / "bot", directory / "copies"
    bot.mkdir()
    async with ground(bot) as there:
        return await lose_power(there, kept, copies, seed)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--copies", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="parley-faults-") as directory:
        report = asyncio.run(power_loss(Path(directory), copies=options.copies, seed=options.seed))
    print(report, *report.damaged, sep="\n")
    return 1 if report.damaged or report.missing else 0


if __name__ == "__main__":
    sys.exit(main())
