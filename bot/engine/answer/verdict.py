"""What a failure means for a turn: one table. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from bot.claude import ClaudeError
from bot.engine.answer.money.budget import OverBudget
from bot.engine.sentences import NOT_TAKEN, OUR_FAULT, sentence_for
from bot.errors import Gone, PlatformError, StoreError, Unreachable
from bot.events import TurnState


class What(Enum):
    """What to do. DONE: nothing more. WAITS: try the turn again later. SAY: tell its readers a sentence below what was
    shown, and end it. LEAVE: the platform refuses more, so leave what was shown as it is, put the sentence below, and
    end the turn. END: end it; nothing more can be said.
    """

    DONE = "done"
    WAITS = "waits"
    SAY = "say"
    LEAVE = "leave"
    END = "end"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a turn. `sentence`: what its readers are told. `unsaid`: the state in which it ends if they
    cannot be told.
    """

    what: What
    sentence: str = ""
    unsaid: TurnState = TurnState.FAILED

    @property
    def is_open(self) -> bool:
        """Whether it is still to be carried out."""
        return self.what in {What.SAY, What.LEAVE, What.END}


DONE, WAITS = Verdict(What.DONE), Verdict(What.WAITS)


def say(sentence: str) -> Verdict:
    """Return the verdict that a turn's readers are told a sentence."""
    return Verdict(What.SAY, sentence)


_Row = tuple[type[Exception], Callable[[Any, Verdict, bool], Verdict]]

_WAITS: Sequence[_Row] = (
    (Unreachable, lambda *_: WAITS),
    (StoreError, lambda *_: WAITS),
)
_AT_WORK: Sequence[_Row] = (
    *_WAITS,
    (Gone, lambda *_: Verdict(What.LEAVE, NOT_TAKEN, TurnState.STOPPED)),
    (PlatformError, lambda *_: Verdict(What.LEAVE, NOT_TAKEN)),
    (ClaudeError, lambda error, _, endless: say(sentence_for(error, endless=endless))),
    (OverBudget, lambda error, *_: say(error.sentence)),
    (Exception, lambda *_: say(OUR_FAULT)),
)
_WHILE_SAYING: Sequence[_Row] = (
    *_WAITS,
    (PlatformError, lambda _, saying, __: Verdict(What.LEAVE, saying.sentence)),
    (Exception, lambda _, saying, __: Verdict(What.END, unsaid=saying.unsaid)),
)
_WHILE_LEAVING: Sequence[_Row] = (
    *_WAITS,
    (Exception, lambda _, leaving, __: Verdict(What.END, unsaid=leaving.unsaid)),
)
_WHILE_ENDING: Sequence[_Row] = ((Exception, lambda *_: WAITS),)

_TABLE = {
    What.DONE: _AT_WORK,
    What.SAY: _WHILE_SAYING,
    What.LEAVE: _WHILE_LEAVING,
    What.END: _WHILE_ENDING,
}


def verdict_of(error: Exception, during: Verdict = DONE, *, endless: bool = False) -> Verdict:
    """Return what a failure means. `during`: the verdict being carried out when it came, DONE for the answer itself.
    `endless`: in a conversation that has no end of its own.
    """
    meaning = next(meaning for kind, meaning in _TABLE[during.what] if isinstance(error, kind))
    return meaning(error, during, endless)


def known_of(error: Exception) -> tuple[str, dict[str, Any]] | None:
    """Return what the log says of a foreseen failure; None for any other, which needs its trace."""
    if isinstance(error, ClaudeError):
        told = {"host": error.host, "reason": str(error), "status": error.status, "request_id": error.request_id}
        return "claude_failed", {"tried": error.tried, **told}
    if isinstance(error, OverBudget):
        return "over_budget", {"detail": error.detail}
    if isinstance(error, PlatformError):
        return "platform_failed", {"detail": error.detail}
    return ("store_failed", {"detail": error.detail}) if isinstance(error, StoreError) else None
