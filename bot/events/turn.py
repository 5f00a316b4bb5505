"""A turn: the questions that one answer is for, and what becomes of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from bot.events.talk import Button, Incoming, MessageKey, ThreadKey


class TurnState(StrEnum):
    """Where a turn stands in its life."""

    ACCEPTED = "accepted"
    """Its question is on disk, and work on it has not begun."""
    ANSWERING = "answering"
    """Claude is asked, or is to be asked again, into the messages it has."""
    ANSWERED = "answered"
    """Its outcome is on disk and has to be delivered."""
    DELIVERED = "delivered"
    FAILED = "failed"
    """A sentence says why."""
    STOPPED = "stopped"
    """By a reader, or because the question is gone."""

    @property
    def has_ended(self) -> bool:
        """Whether nothing is left to be done, unless somebody asks for it."""
        return self in ENDS

    def may_become(self, state: "TurnState") -> bool:
        """Return whether a turn may go from this state to another. It may always stay where it is."""
        return state is self or state in TRANSITIONS[self]


ENDS = (TurnState.DELIVERED, TurnState.FAILED, TurnState.STOPPED)

TRANSITIONS: Mapping[TurnState, frozenset[TurnState]] = {
    TurnState.ACCEPTED: frozenset({TurnState.ANSWERING, TurnState.FAILED, TurnState.STOPPED}),
    TurnState.ANSWERING: frozenset({TurnState.ANSWERED, *ENDS}),
    TurnState.ANSWERED: frozenset({TurnState.ANSWERING, *ENDS}),  # an edited question is answered anew
    **{end: frozenset({TurnState.ANSWERING}) for end in ENDS},  # retried, or its question was edited
}
"""The only ways there are: whoever holds a turn goes along them, and the store refuses every other one."""


@dataclass(frozen=True, slots=True)
class AnswerMessage:
    """One message of an answer. `message_id` is "" until the platform has confirmed it.

    `file`: the name of the file it carries; "" for a page of text.
    """

    index: int
    idempotency_key: str
    message_id: str = ""
    file: str = ""


@dataclass(frozen=True, slots=True)
class File:
    """A file of an answer. `sha256`: the key to its bytes in the store."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a turn: Claude's whole text, the `note` that the bot adds below it, its files, and the buttons
    below it. `state`: the turn's state after delivery, `delivered` or `stopped`. `ran_with`: the settings of the turn,
    by their names (`Profile.record`); {} if they were not kept.
    """

    answer: str
    note: str = ""
    files: tuple[File, ...] = ()
    buttons: tuple[Button, ...] = ()
    state: TurnState = TurnState.DELIVERED
    ran_with: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Bill:
    """What the persons of a turn pay for one run of it. `tokens`: by person (platform and id, as `discord:42`),
    and once more by the accounts of places, which begin with "@".

    `usage`: as Claude told it, {} as long as it is a reservation. `number`: 0 until it is written down.
    """

    tokens: Mapping[str, int]
    usage: Mapping[str, Any] = field(default_factory=dict)
    number: int = 0


@dataclass(frozen=True, slots=True)
class Turn:
    """A turn as the store holds it: the questions one answer is for, in the platform's order.

    `parts`: the messages of its answer, as far as they were written down. `deleted`: those of
    its questions that were deleted; nothing of what they said is left. `draft`: what was written of an answer that is
    not recorded, at least as much as readers have seen. `blame`: of how many deaths of processes it may be the cause.
    `stopping`: a reader wants no more of the answer. `tried`: so often it was tried in vain.
    """

    questions: tuple[Incoming, ...]
    state: TurnState
    parts: tuple[AnswerMessage, ...] = ()
    outcome: Outcome | None = None
    deleted: frozenset[MessageKey] = frozenset()
    draft: str = ""
    blame: float = 0.0
    stopping: bool = False
    tried: int = 0

    @property
    def asked(self) -> tuple[Incoming, ...]:
        """The questions that are still there."""
        return tuple(question for question in self.questions if question.key not in self.deleted)

    @property
    def has_ended(self) -> bool:
        """Whether nothing more is to be done."""
        return self.state.has_ended

    @property
    def key(self) -> MessageKey:
        """The first question's key: the turn's own."""
        return self.questions[0].key


@dataclass(frozen=True, slots=True)
class Claim:
    """A thread that a worker holds for a while, and what it is to answer there.

    `turn`: one that was begun before, as it is; or all that was only accepted, as one that is to be begun. `epoch`: how
    often the thread was taken; whoever writes with an older one is refused. `recovered`: it was left by somebody else,
    or tried in vain: its questions may not be any more what they were.
    """

    turn: Turn
    worker: str
    epoch: int
    recovered: bool = False

    @property
    def thread(self) -> ThreadKey:
        """The thread that is held."""
        return self.turn.questions[0].thread


@dataclass(frozen=True, slots=True)
class Step:
    """One finished request of a turn: after it an interrupted turn goes on.

    `number`: from 0 on. `messages`: what it added to the conversation, plain JSON with explicit roles: what Claude
    wrote, and what its tools returned. `usage`: as Claude told it.
    """

    number: int
    messages: tuple[Mapping[str, Any], ...]
    usage: Mapping[str, Any] = field(default_factory=dict)
    model: str = ""
    cost_usd: float = 0.0
