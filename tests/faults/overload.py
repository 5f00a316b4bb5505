"""A thousand questions a second for some seconds: how late each is on disk, and what the bot's memory does meanwhile.

    python tests/faults/overload.py --seconds 5 --rate 1000

The engine, the store and the replies are real, the chat is a fake in the port's shape that shows everything at once,
and Claude is simulated in this process, so its memory and time are part of the figures.
"""

import argparse
import asyncio
import logging
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path

import structlog

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parents[1] / "engine"))
sys.path.insert(0, str(Path(__file__).parents[1] / "reply"))

from engine_room import message, room

from bot.events import Person
from bot.simulator.claude import Reply, SimulatedClaude


async def flood(seconds: float, rate: int, directory: Path) -> str:
    """Return the figures in one line."""
    late_s: list[float] = []
    async with (
        SimulatedClaude(otherwise=lambda _: Reply(text="Well.", first_token_s=0.5)) as claude,
        room(directory, claude, per_person=3) as here,
    ):
        before_mb = _rss_mb()
        begun_s = time.monotonic()

        async def ask(number: int) -> None:
            asked_s = time.monotonic()
            await here.engine.handle(message(number, "Well?", Person(f"U{number % 500}", "Ada"), thread=str(number)))
            late_s.append(time.monotonic() - asked_s)

        async with asyncio.TaskGroup() as group:
            for number in range(int(seconds * rate)):
                await asyncio.sleep(max(0.0, begun_s + number / rate - time.monotonic()))
                group.create_task(ask(number))
        took_s, waiting = time.monotonic() - begun_s, len(await here.store.questions.unended())
        grown_mb = _rss_mb() - before_mb
    p50, p99 = statistics.quantiles(late_s, n=100)[49], statistics.quantiles(late_s, n=100)[98]
    return (
        f"{len(late_s)} questions in {took_s:.1f} s, on disk after {p50 * 1000:.0f} ms (median), {p99 * 1000:.0f} ms "
        f"(99 of 100), {max(late_s) * 1000:.0f} ms (worst); {waiting} waited on disk; memory +{grown_mb:.0f} MB"
    )


def _rss_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rate", type=int, default=1000, help="questions a second")
    chosen = parser.parse_args()
    logging.disable(logging.ERROR)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    with tempfile.TemporaryDirectory(prefix="parley-overload-") as directory:
        print(asyncio.run(flood(chosen.seconds, chosen.rate, Path(directory))))
