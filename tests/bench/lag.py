"""How long a reader waits for what Claude wrote: the bot, and what bots commonly do, under the same load and limits.

    python tests/bench/lag.py [--replies 1 8 64 256] [--only PLACE …] [--strategies parley clock half sdk]

K replies at once, each of 3,000 characters at 60 characters a second, on the simulated platforms with their limits on.
The whole bot runs, as a process of its own: its gateway or Socket Mode connection, engine, store and adapters. `load`
says what is measured, `least` what the limits allow, `contender` what it is compared with. Places:

    discord-channel   K people ask in one channel where no threads can be opened: one bucket for posts, one for edits
    discord-threads   K threads that exist already, so each has its own buckets; all share 50 calls a second
    discord-asked     K questions in eight channels, each of which is answered in a thread that must be opened first
    slack-edits       one workspace, every question in another channel: all share chat.update's 50 a minute
    slack-native      the same by native streams: 20 begin a minute, 100 grow, 20 end
    slack-auto        the same, both ways at once
    slack-bursts      the same, where Slack takes fewer calls at once than it takes in a minute

Rows run at the same time as far as the machine's cores allow; all of them take ten minutes on two idle cores. A row is
marked † if the machine was too slow for it. The comparisons are made up to 64 replies.
"""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import asdict
from multiprocessing import get_context
from multiprocessing.synchronize import Semaphore
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2])]

from contender import STRATEGIES  # noqa: E402 - the path is set above
from least import least, steady  # noqa: E402
from load import CAP_S, PLACES, Row, run  # noqa: E402
from pieces import measure  # noqa: E402

Case = tuple[str, int, str]
_HEADER = """\
| place | K | strategy | mean lag s | least s | × least | K/(2r) s | first text ms after the first token (median) | \
after 16 characters (median, worst) | last character s (median, worst) | not shown | vanished word-seconds | calls | \
calls refused | CPU ms a call | CPU µs a piece |
|---|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|"""
_NAMES = {
    "parley": "**Parley**",
    "clock": "one edit a second, global",
    "half": "each reply every 500 ms",
    "sdk": "AsyncChatStream",
}
_PLACES_OF = {
    "parley": PLACES,
    "clock": ("discord-channel", "discord-threads", "discord-asked", "slack-edits"),
    "half": ("discord-channel", "discord-threads", "discord-asked", "slack-edits"),
    "sdk": ("slack-native",),
}
_CORES_A_ROW, _CORES_A_REPLY = 0.05, 0.002
"""What a row takes of a core: the contender and the simulators together."""
_MOST_BUSY = 0.6
_MOST_COMPARED = 64


_starting: Semaphore


def _share(starting: Semaphore) -> None:
    global _starting  # noqa: PLW0603 - a semaphore reaches a pool's process only so
    _starting = starting


def play(place: str, replies: int, strategy: str) -> Row | str:
    """Measure one row, or say why it could not begin. Runs in a process of its own; they start one by one."""
    with ExitStack() as starting:
        starting.enter_context(_starting)
        try:
            return asyncio.run(run(place, replies, strategy, begun=starting.close))
        except TimeoutError:
            return f"{place} {replies} {strategy}: NOT MEASURED: the replies did not begin; was the machine too slow?"


def play_all(cases: list[Case], cores: float) -> Iterator[Row | str]:
    """Measure all rows, the largest first, as many at once as fit on so many cores; yield each when it is done."""
    waiting = sorted(cases, key=lambda case: -case[1])
    running: dict[Future[Row | str], float] = {}
    spawn = get_context("spawn")
    with ProcessPoolExecutor(len(cases), spawn, _share, (spawn.Semaphore(1),), max_tasks_per_child=1) as pool:
        while waiting or running:
            for case in list(waiting):
                needs = _CORES_A_ROW + _CORES_A_REPLY * case[1]
                if not running or sum(running.values()) + needs <= cores:
                    running[pool.submit(play, *case)] = needs
                    waiting.remove(case)
            for done in wait(running, return_when=FIRST_COMPLETED).done:
                del running[done]
                yield done.result()


def line(row: Row) -> str:
    """Return a row of the table."""
    bound, even = least(row.place, row.replies), steady(row.place, row.replies)
    first = row.first[0] * 1000
    beyond = ", ".join(f"{seconds * 1000:.0f}" for seconds in row.beyond)
    last = ", ".join(f"{'>' if row.missing else ''}{seconds:.2f}" for seconds in row.last)
    return (
        f"| {row.place} | {row.replies} | {_NAMES[row.strategy]}{'' if row.trusted else ' †'} | {row.mean_lag:.2f} | "
        f"{bound:.2f} | {row.mean_lag / bound:.2f} | {even:.2f} | {first:.0f} | {beyond} | {last} | "
        f"{row.missing:.0%} | {row.vanished:.1f} | {sum(row.calls.values())} | {sum(row.limited.values())} | "
        f"{row.cpu_ms_a_call:.2f} | {row.cpu_us:.0f} |"
    )


def notes(row: Row) -> str:
    """Return what a row's numbers are made of, and whether they can be trusted."""
    calls = ", ".join(f"{count} {name}" for name, count in sorted(row.calls.items(), key=lambda c: -c[1])[:6])
    refused = ", ".join(f"{count} {name}" for name, count in row.limited.items()) or "none"
    trust = f"Claude at most {row.late_s:.2f} s behind its pace, the machine {row.busy:.0%} busy"
    if not row.trusted:
        trust += ": TOO SLOW for this row"
    return f"{row.place} {row.replies} {row.strategy}: {calls}; 429s: {refused}; {trust}"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replies", nargs="+", type=int, default=[1, 8, 64, 256], metavar="K")
    parser.add_argument("--only", nargs="+", choices=PLACES, default=PLACES)
    parser.add_argument("--strategies", nargs="+", choices=STRATEGIES, default=STRATEGIES)
    parser.add_argument("--cores", type=float, default=_MOST_BUSY * (os.cpu_count() or 1), help="to use for rows")
    parser.add_argument("--json", type=Path, help="also append the rows here")
    chosen = parser.parse_args()
    if not all(1 <= count <= 999 for count in chosen.replies):
        parser.error("--replies: from 1 to 999")
    return chosen


def main() -> None:
    chosen = arguments()
    cases = [
        (place, count, strategy)
        for count in chosen.replies
        for strategy in chosen.strategies
        for place in _PLACES_OF[strategy]
        if place in chosen.only and (strategy == "parley" or count <= _MOST_COMPARED)
    ]
    rows: list[Row] = []
    for row in play_all(cases, chosen.cores):
        print(row if isinstance(row, str) else notes(row), file=sys.stderr, flush=True)
        if isinstance(row, str):
            continue
        rows.append(row)
        if chosen.json:
            with chosen.json.open("a") as file:
                file.write(json.dumps(asdict(row)) + "\n")
    print(_HEADER)
    for row in sorted(rows, key=lambda row: (PLACES.index(row.place), row.replies, STRATEGIES.index(row.strategy))):
        print(line(row))
    whole, library = measure()
    print(f"\nA row ends {CAP_S:.0f} s after Claude begins. †: the machine was too slow for this row.")
    print(f"From SSE bytes to a scheduled edit, in a burst: {whole:.0f} µs of CPU a piece, bot.claude {library:.0f}.")
    sys.exit(len(rows) < len(cases))


if __name__ == "__main__":
    main()
