"""Faults the simulated platforms can be told to show, one call at a time.

    simulator.faults.add(Fault("POST /channels/*/messages", status=502, after=True))

makes the next post land and then answer 502. Discord calls are named `METHOD /path` below `/api/v10`; Slack calls by
their Web API method (`chat.postMessage`). `call` is a shell pattern.
"""

import asyncio
import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, TypeVar


@dataclass(slots=True)
class Fault:
    """What happens to the next `times` calls that match, after `skip` of them went through.

    `status`: the HTTP status to answer with (None: none, see `drop`). `body`: its JSON body (None: the platform's own
    words for that status). `headers`: more headers. `after`: the call takes effect first, and only the answer is lost.
    `drop`: close the connection without an answer. `delay_s`: wait this long before anything else. `change`: is
    given the true answer, and returns the one to send instead, as if the platform's payloads had changed.
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
    change: Callable[[Any], Any] | None = None


@dataclass(slots=True)
class Garbled:
    """What happens to the next `times` events of a kind (a shell pattern), after `skip` of them went through.

    `change` is given the event's data and returns what is sent in its place.
    """

    event: str
    change: Callable[[Any], Any]
    times: int = 1
    skip: int = 0


Waiting = TypeVar("Waiting", Fault, Garbled)


def _take(waiting: list[Waiting], name: str, pattern: Callable[[Waiting], str]) -> Waiting | None:
    """Return the first match for `name` and use it up once; None if there is none, or it lets this one through."""
    found = next((one for one in waiting if fnmatchcase(name, pattern(one))), None)
    if found is None:
        return None
    if found.skip:
        found.skip -= 1
        return None
    found.times -= 1
    if found.times <= 0:
        waiting.remove(found)
    return found


class Garbler:
    """The changes that wait for their events."""

    def __init__(self) -> None:
        self._waiting: list[Garbled] = []

    def add(self, garbled: Garbled) -> None:
        """Queue a change; the first that matches an event is used."""
        self._waiting.append(garbled)

    def sent(self, event: str, data: Any) -> Any:
        """Return the data to send for an event."""
        garbled = _take(self._waiting, event, lambda one: one.event)
        return data if garbled is None else garbled.change(copy.deepcopy(data))


class Faults:
    """The faults that wait for their calls. `take` uses one up."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []

    def add(self, *faults: Fault) -> None:
        """Queue faults; the first that matches a call is used."""
        self._waiting.extend(faults)

    def clear(self) -> None:
        """Forget all faults."""
        self._waiting.clear()

    async def take(self, call: str) -> Fault | None:
        """Return the fault for this call and use it up once; its delay has passed when this returns."""
        fault = _take(self._waiting, call, lambda one: one.call)
        if fault is not None and fault.delay_s:
            await asyncio.sleep(fault.delay_s)
        return fault
