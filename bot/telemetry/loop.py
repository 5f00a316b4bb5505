"""Whether the event loop is on time."""

import asyncio

from bot.telemetry.facts import Emit, LoopLate

_EVERY_S = 0.25
_LATE_S = 0.1
"""The delay that a reader of a growing answer begins to notice."""


async def watch_loop(emit: Emit, *, every_s: float = _EVERY_S, late_s: float = _LATE_S) -> None:
    """Emit `LoopLate` each time the loop comes back to a timer more than `late_s` late. Runs until cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        due_s = loop.time() + every_s
        await asyncio.sleep(every_s)
        if (behind_s := loop.time() - due_s) > late_s:
            emit(LoopLate(behind_s))
