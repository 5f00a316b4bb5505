"""What comes of a turn. An answer that a reader stops, or that cannot go on, is what readers have seen of it, in the
history too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.engine.answer.prompt.markup import Block, Gathered, question_blocks
from bot.engine.sentences import BROKE_OFF_IN_HISTORY, STOPPED, STOPPED_IN_HISTORY
from bot.engine.turns.running_turn import RunningTurn
from bot.events import Button, File, Outcome, Turn, TurnState


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of a turn: what to deliver, and what the history gets."""

    outcome: Outcome
    messages: Sequence[Mapping[str, Any]]


def stopped_answer(run: RunningTurn, files: tuple[File, ...] = ()) -> Answer:
    """Return the answer so far of a turn that a reader stopped."""
    return _cut_short(run, STOPPED, STOPPED_IN_HISTORY, TurnState.STOPPED, files)


def broken_off_answer(run: RunningTurn, sentence: str) -> Answer:
    """Return the answer so far of a turn that cannot go on, with the sentence that says why."""
    return _cut_short(run, sentence, BROKE_OFF_IN_HISTORY, TurnState.FAILED, ())


def _cut_short(run: RunningTurn, sentence: str, in_history: str, state: TurnState, files: tuple[File, ...]) -> Answer:
    text = run.written.text
    asked = run.told.blocks if run.told else _questions(run.turn)
    notes = run.told.notes if run.told else ()
    messages = (
        {"role": "user", "content": list(asked)},
        {"role": "assistant", "content": f"{text}\n\n{in_history}" if text.strip() else in_history},
    )
    outcome = Outcome(text, lines(*notes, sentence), files, (Button.RETRY,), state)
    return Answer(outcome, messages)


def _questions(turn: Turn) -> list[Block]:
    """Return the questions alone, for a turn that did not get as far as its files and its context."""
    return question_blocks([(question, Gathered()) for question in turn.asked])


def lines(*notes: str) -> str:
    """Return notes as lines, without the empty ones."""
    return "\n".join(filter(None, notes))
