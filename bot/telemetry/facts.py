"""The facts. Frozen, plain data; a number carries its unit in its name. No fact holds a word that somebody wrote."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class TurnEnded:
    """A turn came to its end. `turn`: its key. `state`: `delivered`, `failed` or `stopped`. `person`: who asked first,
    as `discord:42`. `questions`: how many messages it answers. `took_s`: since this process knew of it.
    """

    turn: str
    state: str
    person: str
    questions: int
    took_s: float


Outcome = Literal["ok", "refused", "rejected", "lost"]


@dataclass(frozen=True, slots=True)
class CallMade:
    """A call left for a platform, and its answer came or did not.

    `call`: the method or route, with `*` in place of ids. `outcome`: `refused` is a 429, `rejected` any other answer
    that is not a success, `lost` no answer at all.
    """

    platform: str
    call: str
    outcome: Outcome
    took_s: float


@dataclass(frozen=True, slots=True)
class ClaudeAsked:
    """Claude was asked by one run of a turn, with every request that its tools made necessary: their sum.

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
    """The event loop came back to a timer late: for so long nothing else in the process could run."""

    late_s: float


Fact = TurnEnded | CallMade | ClaudeAsked | StoreWrote | LoopLate

Emit = Callable[[Fact], None]
"""Where facts are handed in. It returns at once and never raises."""


def ignore(_: Fact) -> None:
    """Drop a fact: an `Emit` for who is built without a sink."""
