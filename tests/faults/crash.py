"""Every point of a turn at which the process can die, one after the other: it dies there, and another one takes over.

    python tests/faults/crash.py --platform slack            every point
    python tests/faults/crash.py --platform slack --pairs    every point, and in the next life every point again

prints the schedules and the violations; the exit code is 1 if there are any.
"""

import argparse
import asyncio
import logging
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import structlog
from lives import Stage, Story


@dataclass
class Report:
    """What came of it. `points`: those of one undisturbed turn."""

    schedules: int = 0
    points: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)

    def add(self, story: Story) -> None:
        self.schedules += 1
        if story.violations:
            self.violations.append(str(story))
            print(story, file=sys.stderr, flush=True)

    def __str__(self) -> str:
        head = f"{len(self.points)} points in one turn, {self.schedules} schedules, {len(self.violations)} violations"
        return "\n".join([head, *self.violations])


async def stories(stage: Stage, *before: int) -> AsyncIterator[Story]:
    """Tell the story of every death after these, until a life goes to its end before it would die."""
    death = 0
    while True:
        story = await stage.tell(*before, death)
        yield story
        if story.cut <= len(before):
            return
        death += 1


async def crash_everywhere(platform: str, directory: Path, *, pairs: bool = False) -> Report:
    report = Report()
    async with Stage(platform, directory).open() as stage:
        report.add(await stage.tell())  # a bot that was never there does not look for what it has missed
        async for story in stories(stage):
            report.add(story)
            report.points = story.points[0]
            if pairs and story.cut:
                async for deeper in stories(stage, *story.deaths):
                    report.add(deeper)
                so_far = f"{report.schedules} schedules, {len(report.violations)} violations"
                print(f"died first {story.points[0][-1]}: {so_far}", file=sys.stderr, flush=True)
        report.violations += stage.changed()
    return report


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--platform", choices=("discord", "slack"), required=True)
    parser.add_argument("--pairs", action="store_true")
    options = parser.parse_args()
    logging.disable(logging.ERROR)  # the simulators tell of every connection that a dead bot left
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    begun_s = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="parley-faults-") as directory:
        report = asyncio.run(crash_everywhere(options.platform, Path(directory), pairs=options.pairs))
    print(report, *report.points, f"{time.monotonic() - begun_s:.0f} s", sep="\n")
    return 1 if report.violations else 0


if __name__ == "__main__":
    sys.exit(main())
