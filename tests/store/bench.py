"""How long it takes to accept a question, beside aiosqlite with one commit each, and what each write of a turn costs in
CPU time, a hundred turns at once: `python tests/store/bench.py`.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import aiosqlite

from bot.events import AnswerMessage, Bill, Incoming, MessageKey, Outcome, Person, Step, ThreadKey, TurnState
from bot.ports import Store
from bot.store import open_store

ROUNDS = 1000


def question(number: int) -> Incoming:
    return Incoming(MessageKey("p", "w", "c", str(number)), ThreadKey("p", "w", "c", "t"), Person("u", "Ada"), "Hello")


async def measure(accept: Callable[[int], Awaitable[object]], at_once: int) -> tuple[float, float]:
    """Return median and 95th percentile in milliseconds of `ROUNDS` calls, `at_once` at a time."""
    times: list[float] = []

    async def one(number: int) -> None:
        start = time.perf_counter()
        await accept(number)
        times.append((time.perf_counter() - start) * 1000)

    for first in range(0, ROUNDS, at_once):
        await asyncio.gather(*(one(at_once * 1_000_000 + number) for number in range(first, first + at_once)))
    return statistics.median(times), statistics.quantiles(times, n=20)[-1]


async def turns(store: Store) -> None:
    """Print what each write of a turn costs."""
    asked = [replace(question(number), thread=ThreadKey("p", "w", "c", str(number))) for number in range(ROUNDS)]
    writes: dict[str, Callable[[Incoming], Awaitable[object]]] = {
        "accept": store.turns.accept,
        "claim": lambda _: store.turns.claim("worker", 600.0),
        "begin": lambda one: store.turns.begin([one], epoch=1),
        "charge": lambda one: store.usage.charge(one.key, Bill({"p:u": 5}), epoch=1),
        "step": lambda one: store.steps.add(one.key, Step(0, ({"role": "assistant", "content": "Hi"},)), epoch=1),
        "posting": lambda one: store.messages.posting(one.key, AnswerMessage(0, f"{one.key.message}.0"), epoch=1),
        "posted": lambda one: store.messages.posted(
            one.key, AnswerMessage(0, f"{one.key.message}.0", one.key.message), epoch=1
        ),
        "record": lambda one: store.turns.record(one.key, Outcome("Hi"), [{"role": "user", "content": "x"}], epoch=1),
        "end": lambda one: store.turns.end(one.key, TurnState.DELIVERED, epoch=1),
    }
    for name, write in writes.items():
        begun_s = time.process_time()
        for first in range(0, ROUNDS, 100):
            await asyncio.gather(*(write(one) for one in asked[first : first + 100]))
        print(f"{name:7} | {(time.process_time() - begun_s) / ROUNDS * 1e6:6.0f} µs of CPU time")


async def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        async with (
            open_store(Path(directory) / "ours.sqlite3") as store,
            aiosqlite.connect(f"{directory}/plain") as plain,
        ):
            await plain.execute("PRAGMA journal_mode = WAL")
            await plain.execute("PRAGMA synchronous = FULL")
            await plain.execute("CREATE TABLE turn (message TEXT PRIMARY KEY)")
            lock = asyncio.Lock()

            async def one_commit(number: int) -> None:
                async with lock:
                    await plain.execute("INSERT INTO turn VALUES (?)", (str(number),))
                    await plain.commit()

            print("at once |  store p50 / p95 ms | aiosqlite p50 / p95 ms | ratio of medians")
            for at_once in (1, 20, 100):
                ours = await measure(lambda number: store.turns.accept(question(number)), at_once)
                theirs = await measure(one_commit, at_once)
                print(
                    f"{at_once:7} | {ours[0]:8.2f} / {ours[1]:8.2f} | {theirs[0]:10.2f} / {theirs[1]:9.2f} |"
                    f" {theirs[0] / ours[0]:6.1f}"
                )
        async with open_store(Path(directory) / "turns.sqlite3") as store:
            await turns(store)


asyncio.run(main())
