"""Runs `child/main.py` on one file: off the event loop, few at a time, and killed if it computes too long."""

import asyncio
import contextlib
import fcntl
import functools
import json
import os
import signal
import sys
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.media import child
from bot.media.child.guard import hide_memory
from bot.media.decode.fair_queue import FairQueue
from bot.media.formats.kinds import DAMAGED, Unreadable

_AT_ONCE = 2
"""Each of them may take all the memory that it is allowed."""
_LIBRARIES = ("LD_LIBRARY_PATH", "PYTHONHOME")
"""The environment variables that an interpreter may need to start; no token is among them."""
_TOO_LONG = "it takes too long to read"
_NOT_DECODED = "it cannot be decoded"
_TIME_SPENT = frozenset({-signal.SIGPROF, -signal.SIGXCPU})
"""The exit codes of a process that has used up its CPU time (setitimer(2), setrlimit(2))."""
_CHILD = Path(child.__file__).parent
_LINE_BYTES = 4096
_PIPE_BYTES = 1 << 20

_queues: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, FairQueue] = weakref.WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class ProcessLimits:
    """What the process may use. `cpu_s`: how long it may compute. `answer_bytes`: the size of the file it makes.

    `wall_s`: how long it may exist at all. This is for a process that waits for something that never happens; it is
    long because on a busy machine an ordinary picture may take many times as long as on an idle one.
    """

    memory_bytes: int
    cpu_s: float
    answer_bytes: int = 0
    wall_s: float = 120.0


async def run(task: str, data: bytes, order: dict[str, Any], bounds: ProcessLimits) -> tuple[dict[str, Any], bytes]:
    """Return what the module `task` of `bot.media.child` makes of a file: its result and the bytes that belong to it.

    Raise `Unreadable` if it fails or would exceed its limits. Afterwards the process has ended, on cancellation too.
    """
    _hide_memory()
    line = _queues.setdefault(asyncio.get_running_loop(), FairQueue(_AT_ONCE))
    allowed = {"memory_bytes": bounds.memory_bytes, "cpu_s": bounds.cpu_s}
    async with line.place():
        try:
            async with asyncio.timeout(bounds.wall_s):
                answer = await _process(task, data, {**order, **allowed}, bounds.answer_bytes + _LINE_BYTES)
        except TimeoutError:
            raise Unreadable(_TOO_LONG, f"{task}: not ended after {bounds.wall_s:.0f} s") from None
        except OSError as error:  # no process can be started now, or it went away before it had read the file
            raise Unreadable(_NOT_DECODED, f"{task}: {error}") from error
    result, body = _parted(answer, task)
    match result.get("error"):
        case "memory":
            raise Unreadable("it takes too much memory to read", f"{task}: memory")
        case "damaged":
            raise Unreadable(DAMAGED, f"{task}: {result['detail']}")
    return result, body


def _parted(answer: bytes, task: str) -> tuple[dict[str, Any], bytes]:
    """Return the result in an answer, and the bytes after it. What a stranger's file took over may answer anything."""
    head, _, body = answer.partition(b"\n")
    try:
        result = json.loads(head)
    except ValueError:
        result = None
    if not isinstance(result, dict):
        raise Unreadable(_NOT_DECODED, f"{task}: no result")
    return result, body


@functools.cache
def _hide_memory() -> None:
    """Hide the bot's memory and the tokens in it before anything of a stranger's is decoded."""
    hide_memory()


async def _process(task: str, data: bytes, order: dict[str, Any], max_bytes: int) -> bytes:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-S",  # it gets our path, ready-made
        "-P",  # the folder does not become a place to import from
        str(_CHILD / "main.py"),
        str(_CHILD / f"{task}.py"),
        json.dumps(order),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=_environment(),
    )
    try:
        answer = await _exchange(process, data, max_bytes)
        code = await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if code in _TIME_SPENT:
        raise Unreadable(_TOO_LONG, f"{task}: computed too long")
    if code or not answer:
        raise Unreadable(_NOT_DECODED, f"{task}: exit {code}")
    return answer


def _environment() -> dict[str, str]:
    libraries = {name: os.environ[name] for name in _LIBRARIES if name in os.environ}
    at_once = {"PYTHON_LAZY_IMPORTS": "none"}  # from Python 3.15 on: the process cannot load anything later
    return {**libraries, **at_once, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


async def _exchange(process: asyncio.subprocess.Process, data: bytes, max_bytes: int) -> bytes:
    assert process.stdin
    assert process.stdout
    _widen(process.stdin.transport)
    with contextlib.suppress(
        ConnectionError
    ):  # the process ended before it had read all; its answer or exit code says why
        for at in range(0, len(data), _PIPE_BYTES):  # in pieces, because what a pipe cannot take yet is copied
            process.stdin.write(memoryview(data)[at : at + _PIPE_BYTES])
            await process.stdin.drain()
    process.stdin.close()
    try:
        await process.stdout.readexactly(max_bytes + 1)
    except asyncio.IncompleteReadError as whole:  # the end of the answer came first, as it should
        return whole.partial
    raise Unreadable("it cannot be decoded", "child: answers without end")


def _widen(pipe: asyncio.BaseTransport) -> None:
    """Make the pipe hold a megabyte where the system can (Linux, pipe(7)). With the usual 64 kB, a picture of 20 MB
    takes 300 switches between two processes, each of which waits for the CPU on a busy machine.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # the user has many pipes; this one stays small and slow
            fcntl.fcntl(pipe.get_extra_info("pipe"), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
