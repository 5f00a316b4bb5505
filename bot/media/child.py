"""The child process in which a picture is decoded: with little memory, little time, and nothing to lose."""

import asyncio
import json
import sys
from dataclasses import dataclass
from pathlib import Path

TIME_S = 20.0
_SCRIPT = Path(__file__).with_name("reduce.py")
"""Run as a file of its own: it needs Pillow alone, and nothing of the bot's environment."""
_AT_ONCE = 2
"""Children at the same time: each may take its whole memory and a core."""

_slots: dict[asyncio.AbstractEventLoop, asyncio.Semaphore] = {}


class ReduceFailed(Exception):  # noqa: N818
    """The child found the picture damaged, or met one of its limits."""


@dataclass(frozen=True, slots=True)
class Reduced:
    """What the child made; `data` is empty if the picture may stay as it is. Sizes in pixels."""

    media_type: str
    width: int
    height: int
    data: bytes


async def reduced(data: bytes, long_side: int, *, may_keep: bool) -> Reduced:
    """Decode a picture in a child and return it upright, at most `long_side` long, as PNG or JPEG.

    `may_keep`: it is within all limits as it is; if it is whole and upright too, no data is returned. Raises
    `ReduceFailed`.
    """
    async with _slot():
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-I", str(_SCRIPT), str(long_side), str(int(may_keep)),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL, env={},
        )  # fmt: skip
        try:
            async with asyncio.timeout(TIME_S):
                out, _ = await process.communicate(data)
        except TimeoutError:
            raise ReduceFailed("it took too long") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    head, _, body = out.partition(b"\n")
    if process.returncode != 0 or not head:
        raise ReduceFailed(head.decode(errors="replace") or f"exit {process.returncode}")
    return Reduced(**json.loads(head), data=body)


def _slot() -> asyncio.Semaphore:
    loop = asyncio.get_running_loop()
    for old in [known for known in _slots if known.is_closed()]:
        del _slots[old]
    return _slots.setdefault(loop, asyncio.Semaphore(_AT_ONCE))
