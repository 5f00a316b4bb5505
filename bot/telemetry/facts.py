"""The facts. Frozen, plain data; a number carries its unit in its name. No fact holds a word that somebody wrote."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class TurnEnded:
    """A turn ended. `turn`: its key. `state`: `delivered`, `failed` or `stopped`. `person`: who asked first, as
    `discord:42`. `questions`: how many messages it answers. `took_s`: the time since this process learned of it.
    """

    turn: str
    state: str
    person: str
    questions: int
    took_s: float


Outcome = Literal["ok", "refused", "rejected", "lost"]


@dataclass(frozen=True, slots=True)
class CallMade:
    """A platform was called, and answered or did not.

    `call`: the method or route, with `*` in place of ids. `outcome`: `refused` is a 429, `rejected` any other answer
    that is not a success, `lost` no answer at all.
    """

    platform: str
    call: str
    outcome: Outcome
    took_s: float


@dataclass(frozen=True, slots=True)
class ClaudeAsked:
    """One run of a turn asked Claude: the sum of its requests, including those that its tools made necessary.

    `outcome`: the reason Claude gave for stopping, `stopped` by a reader, or the name of the error.
    """

    turn: str
    model: str
    outcome: str
    input_tokens: int
    cache_read_tokens: int
    output_tokens: int
    took_s: float


@dataclass(frozen=True, slots=True)
class StoreWrote:
    """The store ended a transaction. `jobs`: how many callers' work was in it; `failed`: how many of them failed."""

    jobs: int
    failed: int
    took_s: float


@dataclass(frozen=True, slots=True)
class LoopLate:
    """The event loop came back to a timer late: nothing else in the process could run for that long."""

    late_s: float


Fact = TurnEnded | CallMade | ClaudeAsked | StoreWrote | LoopLate

Emit = Callable[[Fact], None]
"""Where facts are handed in. It returns at once and never raises."""


def ignore(_: Fact) -> None:
    """Drop a fact: the `Emit` of objects built without a sink."""
