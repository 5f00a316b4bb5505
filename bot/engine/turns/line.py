"""What waits in one thread, and which of it is answered next. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import inf

from bot.events import Turn, TurnState

_IN_VAIN = 2
"""After so many failed attempts others of the thread may go first: perhaps only this turn cannot be shown."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A turn in line. `expires_at_s`: see `expires_at_s`. `taken_s`: when this process learned of it, by the event
    loop's clock. `recovered`: it was begun before, or left by an earlier process. `tried`: how often it was tried while
    its platform was out of reach. `brief`: it needs no answer from Claude, and may be carried out even when no new turn
    begins.
    """

    turn: Turn
    expires_at_s: float = inf
    taken_s: float = 0.0
    recovered: bool = False
    tried: int = 0
    brief: bool = False


def expires_at_s(turn: Turn, late_after_s: float) -> float:
    """Return when a turn expires, in seconds since 1970 by its platform's clock. A process that learns of it later
    answers it only when somebody asks again. The newest of its questions decides.
    """
    return max(question.sent_at_s + late_after_s if question.sent_at_s > 0 else inf for question in turn.questions)


def is_wordless(turns: Iterable[Turn]) -> bool:
    """Return whether the turns are new questions that hold only files so far."""
    turns = list(turns)
    questions = [question for turn in turns for question in turn.questions]
    new = all(turn.state == TurnState.ACCEPTED for turn in turns)
    return new and not any(question.text.strip() for question in questions) and any(q.uploads for q in questions)


def take_next(line: list[Waiting]) -> Waiting:
    """Remove and return what to answer next: a turn that was begun before, as it was; else everything that is only
    accepted, as one turn, in the order it was asked. It has expired if all of it has.
    """
    new = [waiting for waiting in line if waiting.turn.state == TurnState.ACCEPTED]
    for waiting in line:
        if waiting.turn.state != TurnState.ACCEPTED and (waiting.tried < _IN_VAIN or not new):
            line.remove(waiting)
            return waiting
    line[:] = [waiting for waiting in line if waiting.turn.state != TurnState.ACCEPTED]
    questions = sorted((question for waiting in new for question in waiting.turn.questions), key=lambda q: q.order)
    return Waiting(
        replace(new[0].turn, questions=tuple(questions)),
        max(waiting.expires_at_s for waiting in new),
        min(waiting.taken_s for waiting in new),
        any(waiting.recovered for waiting in new),
    )
