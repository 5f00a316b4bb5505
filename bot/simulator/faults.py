"""Faults the simulated platforms can be told to show, one call at a time.

    simulator.faults.add(Fault("POST /channels/*/messages", status=502, after=True))

makes the next post land and then answer 502. Discord calls are named `METHOD /path` below `/api/v10`; Slack calls by
their Web API method (`chat.postMessage`). `call` is a shell pattern.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any


@dataclass(slots=True)
class Fault:
    """What happens to the next `times` calls that match, after `skip` of them went through.

    `status`: the HTTP status to answer with (None: none, see `drop`). `body`: its JSON body (None: the platform's own
    words for that status). `headers`: more headers. `after`: the call takes effect first, and only the answer is lost.
    `drop`: close the connection without an answer. `delay_s`: wait this long before anything else.
    """

    call: str
    status: int | None = None
    body: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    after: bool = False
    drop: bool = False
    delay_s: float = 0.0
    times: int = 1
    skip: int = 0


class Faults:
    """The faults in waiting. `take` uses one up."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []

    def add(self, *faults: Fault) -> None:
        """Put faults in line; the first that matches a call is used."""
        self._waiting.extend(faults)

    def clear(self) -> None:
        """Forget all faults."""
        self._waiting.clear()

    async def take(self, call: str) -> Fault | None:
        """Return the fault for this call and use it up once; its delay has passed when this returns."""
        for fault in self._waiting:
            if not fnmatchcase(call, fault.call):
                continue
            if fault.skip:
                fault.skip -= 1
                return None
            fault.times -= 1
            if fault.times <= 0:
                self._waiting.remove(fault)
            if fault.delay_s:
                await asyncio.sleep(fault.delay_s)
            return fault
        return None
