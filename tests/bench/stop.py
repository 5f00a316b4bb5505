"""How long Claude's stream stays open after a reader has pressed Stop, through the whole bot and both platforms.

python tests/bench/stop.py [--times 20]
"""

import argparse
import asyncio
import logging
import statistics
import sys
from pathlib import Path

import structlog
from pydantic import SecretStr

sys.path.insert(0, str(Path(__file__).parents[2]))

from bot.simulator.claude import Pace, Reply
from bot.tryout.world import Room, World, world

BEGINNING = "This is the beginning of an answer that would go on for quite a while"


async def one(here: World, channel: Room) -> float:
    """Ask, wait for the first words, stop; return the seconds from the press to the end of Claude's stream."""
    here.claude.script(Reply(pieces=[BEGINNING, " and on", " and on"], piece_s=0.1, stall_after=2))
    message = await here.say("Ada", channel, "@parley Go on")
    there = here.answered_in(channel, message)
    changes = here.changes(channel.platform)
    await changes.wait(lambda c: here.is_in(there, c) and " and" in here.answer(there, message).text)
    line = here.answer(there, message).lines[0]
    loop = asyncio.get_running_loop()
    pressed_s = loop.time()
    if "Stop" in line.buttons:
        pressing = asyncio.create_task(here.press("Ada", there, line.message, "Stop"))
    else:
        pressing = asyncio.create_task(here.press_native_stop("Ada", there))
    await here.claude.next_disconnect()
    took_s = loop.time() - pressed_s
    await pressing
    return took_s


async def measure(times: int) -> None:
    async with world(SecretStr(""), Pace()) as here:
        for channel in (here.places[0], here.places[2]):
            took = [await one(here, channel) for _ in range(times)]
            worst, median = max(took) * 1000, statistics.median(took) * 1000
            print(f"{channel.platform}: closed after {median:.0f} ms (median of {times}), {worst:.0f} ms at worst")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=20)
    logging.disable(logging.ERROR)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    asyncio.run(measure(parser.parse_args().times))
