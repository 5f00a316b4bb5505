"""A loss of power: a process that writes as fast as it can is stopped at any moment, and its files copied as they are.

Stopped by SIGSTOP, so that the copies of the database and of its WAL are of one moment, in the middle of a write or
of a checkpoint too.
"""

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import IO

import pytest

from bot.store import open_store

WRITE = """
import asyncio, itertools, sys
from bot.events import Incoming, MessageKey, Person, ThreadKey
from bot.store import open_store

async def main():
    numbers = itertools.count()
    async def write(store):
        while True:
            key = MessageKey("p", "w", "c", str(next(numbers)))
            await store.turns.accept(Incoming(key, ThreadKey("p", "w", "c", "t"), Person("u", "Ada"), "x" * 2000))
            print(key.message, flush=True)
    async with open_store(sys.argv[1]) as store, asyncio.TaskGroup() as group:
        for _ in range(8):
            group.create_task(write(store))

asyncio.run(main())
"""


def stop(process: "subprocess.Popen[bytes]") -> None:
    """Stop a process, and return when it stands still."""
    process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, process.pid, os.WSTOPPED)


def rest(pipe: IO[bytes]) -> bytes:
    """Return what stands in a pipe now."""
    os.set_blocking(pipe.fileno(), False)
    try:
        return pipe.read() or b""
    finally:
        os.set_blocking(pipe.fileno(), True)


def copies(file: Path, target: Path, count: int) -> list[tuple[Path, set[str]]]:
    """Return copies of the files at random moments, each with what had been acknowledged before it."""
    made = []
    acknowledged = b""
    chance = random.Random(7)
    command = [sys.executable, "-c", WRITE, str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, bufsize=0) as process:
        assert process.stdout
        for number in range(count):
            acknowledged += b"".join(process.stdout.readline() for _ in range(chance.randint(1, 60)))
            stop(process)
            acknowledged += rest(process.stdout)
            there = target / str(number)
            there.mkdir()
            for name in (file.name, f"{file.name}-wal"):
                shutil.copy(file.parent / name, there / name)
            made.append((there / file.name, set(acknowledged.decode().split())))
            process.send_signal(signal.SIGCONT)
        process.kill()
    return made


async def check(file: Path, known: set[str]) -> None:
    async with open_store(file) as store:
        there = {turn.key.message for turn in await store.questions.unended()}
    assert known <= there
    with closing(sqlite3.connect(file)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.parametrize("count", [8, pytest.param(100, marks=pytest.mark.long)])
async def test_a_copy_at_any_moment_opens_and_holds_every_acknowledged_question(tmp_path: Path, count: int) -> None:
    for file, known in copies(tmp_path / "data" / "parley.sqlite3", tmp_path, count):
        assert known
        await check(file, known)
