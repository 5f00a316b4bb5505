"""Runs `reduce.py` on one picture: off the event loop, few at a time, and killed if it takes too long."""

import asyncio
import contextlib
import fcntl
import json
import os
import sys
import weakref
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bot.media.kinds import Unreadable

_AT_ONCE = 2
"""Each may take the memory its order allows."""
_KEPT = ("PATH", "LD_LIBRARY_PATH", "PYTHONPATH", "PYTHONHOME")
"""What of the environment an interpreter may need to find its libraries; tokens are not among it."""
_LINE_BYTES = 4096

_slots: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = weakref.WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked of `reduce.py`: `format` as Pillow names it, and limits; `time_s` counts from its start."""

    format: str
    long_edge_px: int
    max_pixels: int
    max_bytes: int
    memory_bytes: int
    time_s: float


@dataclass(frozen=True, slots=True)
class Reduced:
    """What became of a picture. `was`: width and height in pixels before; `frames`: it had more than the one."""

    data: bytes
    media_type: str
    size: tuple[int, int]
    was: tuple[int, int]
    frames: bool


async def shrink(data: bytes, order: Order) -> Reduced:
    """Return the picture as one that Claude takes, turned the right way up and within the order's limits.

    Raises `Unreadable`. Afterwards the process has ended, on cancellation too.
    """
    slot = _slots.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(_AT_ONCE))
    async with slot:
        try:
            async with asyncio.timeout(order.time_s):
                answer = await _run(data, order)
        except TimeoutError:
            raise Unreadable("it takes too long to decode", "reduce: timeout") from None
    line, _, body = answer.partition(b"\n")
    return _result(json.loads(line), body, order)


async def _run(data: bytes, order: Order) -> bytes:
    # By its path, and with -P: its folder does not become a place to import from.
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        str(Path(__file__).with_name("reduce.py")),
        json.dumps(asdict(order)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={name: os.environ[name] for name in _KEPT if name in os.environ},
    )
    try:
        answer = await _exchange(process, data, order.max_bytes + _LINE_BYTES)
        code = await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if code or not answer:
        raise Unreadable("it cannot be decoded", f"reduce: exit {code}")
    return answer


async def _exchange(process: asyncio.subprocess.Process, data: bytes, max_bytes: int) -> bytes:
    assert process.stdin
    assert process.stdout
    _widen(process.stdin.transport)
    with contextlib.suppress(ConnectionError):  # it ended before it had read all; its answer or exit code says why
        process.stdin.write(data)
        await process.stdin.drain()
    process.stdin.close()
    try:
        await process.stdout.readexactly(max_bytes + 1)
    except asyncio.IncompleteReadError as whole:  # the end came first, as it should
        return whole.partial
    raise Unreadable("it cannot be decoded", "reduce: answers without end")


def _widen(pipe: asyncio.BaseTransport) -> None:
    """Make the pipe hold a megabyte where the system can (Linux, pipe(7)): with its 64 kB, a picture of 20 MB is 300
    turns of two processes, each of which waits for its time on a busy machine.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # the user has many pipes: this one stays small and slow
            fcntl.fcntl(pipe.get_extra_info("pipe"), fcntl.F_SETPIPE_SZ, 1 << 20)


def _result(result: dict[str, Any], body: bytes, order: Order) -> Reduced:
    match result.get("error"):
        case None:
            (width, height), was = result["size"], result["was"]
            return Reduced(body, result["media_type"], (width, height), (was[0], was[1]), result["frames"])
        case "pixels":
            raise too_many_pixels(result["width"], result["height"], order.max_pixels)
        case "memory":
            raise Unreadable("it takes too much memory to decode", "reduce: memory")
        case _:
            raise Unreadable("the picture is damaged or incomplete", f"reduce: {result.get('detail')}")


def too_many_pixels(width: int, height: int, max_pixels: int) -> Unreadable:
    """Return the refusal of a picture with more pixels than are ever decoded."""
    return Unreadable(f"it has {width} × {height} pixels, and I read {max_pixels // 1_000_000} megapixels at most")
