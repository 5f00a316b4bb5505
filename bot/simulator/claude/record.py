"""What the simulated Claude was sent and how each request ended, for tests to look at and to wait for."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Done = Literal["finished", "disconnected", "failed"]


@dataclass(slots=True, eq=False)
class Request:
    """One request. `at_s` and the times in `written` are the event loop's clock; header names are in lower case.

    `body` is {} if it was no JSON object. `done`: None while it is being answered; `finished` once the whole answer is
    written, `disconnected` if the client left before, `failed` for a refusal or a scripted mishap.
    `answer`: the whole text that the answer has, or would have had if nothing had gone wrong; "" for a refusal.
    `billed_tokens`: what it costs by now, in and out: the input from the moment it is accepted, the output as it is
    written, and in the end what the usage says. A refusal costs nothing.
    `stalled`: everything that will come before the silence (`stall_after`) is written.
    `written`: after each write, when, and how many characters of text had been written by then.
    """

    at_s: float
    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]
    done: Done | None = None
    status: int = 0
    request_id: str = ""
    answer: str = ""
    billed_tokens: int = 0
    written: list[tuple[float, int]] = field(default_factory=list)
    stalled: bool = False
    reported: bool = False

    @property
    def stream(self) -> bool:
        """Whether the answer was asked for as a stream."""
        return self.body.get("stream") is True

    @property
    def characters(self) -> int:
        """How many characters of text have been written so far."""
        return self.written[-1][1] if self.written else 0


class Records:
    """All requests in the order they came, and a way to wait for what happens to them. Single event loop."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.lookups: list[Request] = []
        self._changed = asyncio.Event()

    def changed(self) -> None:
        """Wake whoever waits."""
        self._changed.set()

    def add(self, request: Request, *, lookup: bool) -> None:
        """Record a request that has come. `lookup`: it asks the API about itself, and no model anything."""
        (self.lookups if lookup else self.requests).append(request)
        self.changed()

    def end(self, request: Request, done: Done) -> None:
        """Record how a request ended; the first word on it counts."""
        if request.done is None:
            request.done = done
            self.changed()

    async def until(self, true: Callable[[], bool], timeout_s: float) -> None:
        """Return when `true()` is. Raise `TimeoutError`."""
        async with asyncio.timeout(timeout_s):
            while not true():
                self._changed.clear()
                await self._changed.wait()
