"""What is wrong with how people see a story end, and with how it came to that."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from talk import WORDLESS, answer_to, squeezed

from bot.engine import sentences
from bot.events import Turn
from bot.simulator.changes import Change
from bot.tryout.world import Line, Room, World

_SENTENCE = re.compile(r"(Q\d{5})(?:begins|line\d+|ends)\.")
_STATED = sorted(
    (
        squeezed(text)
        for name, text in vars(sentences).items()
        if name.isupper() and isinstance(text, str) and name != "OUR_FAULT" and text.endswith(".")
    ),
    key=len,
    reverse=True,
)
"""The bot's own sentences, but for the one that says that it is broken."""


@dataclass
class Asked:
    """A question of a story. `names`: the tokens it asked for, the last one now. `changed_at`: how much had been seen
    on its platform when it was edited or deleted. `stopped`: somebody wanted its answer to end. `is_stop`: it is the
    word that stops another one's, if there is anything to stop.
    """

    who: str
    place: Room
    message: str
    names: list[str]
    changed_at: list[int] = field(default_factory=list)
    deleted: bool = False
    stopped: bool = False
    is_stop: bool = False


def judge(here: World, told: Sequence[Asked], turns: Mapping[str, Turn], *, refused: bool, mute: bool) -> list[str]:
    """Return what is wrong with the answers to some questions as they stand now.

    `turns`: by the questions' messages. `refused`: an answer may end in a sentence, for a call was refused; `mute`: or
    in silence.
    """
    wrong = [f"{one.names} is {_state(turns.get(one.message))}" for one in told if not _has_ended(one, told, turns)]
    lines: dict[str, Line] = {}
    for place in _places(here, told):  # one after the other: each has an order of its own
        found = {line.message: line for line in here.answer(place, told[0].message).lines}
        lines |= {message: found[message] for message in sorted(found, key=_age) if message not in lines}
    wrong += [f"a dead button below {line.text[:40]!r}" for line in lines.values() if "Stop" in line.buttons]
    if wrong:
        return wrong
    shown = "".join(squeezed(line.text) for line in lines.values())
    rest = shown
    each = {turn.key: turn for turn in turns.values()}.values()
    for turn in sorted(each, key=lambda turn: turn.state != "delivered"):  # of two equal answers one may be half
        mine = [one for one in told if one.message in {question.key.message for question in turn.questions}]
        found, rest = _turn(turn, mine, told, shown, rest, refused=refused, mute=mute)
        wrong += found
    return wrong + _beside(rest)


def _age(message: str) -> tuple[int, str]:
    """Both platforms' ids grow with time."""
    return len(message), message


def _state(turn: Turn | None) -> str:
    return turn.state if turn else "not accepted"


def _has_ended(one: Asked, told: Sequence[Asked], turns: Mapping[str, Turn]) -> bool:
    turn = turns.get(one.message)
    if turn is None:
        followed = any(other.message in turns for other in told if _thread(other) == _thread(one))
        return one.deleted or (one.is_stop and not followed)
    known = {question.key.message for question in turn.asked}
    return turn.has_ended and (one.message in known) != one.deleted


def _places(here: World, told: Iterable[Asked]) -> list[Room]:
    found: dict[Room, None] = {}
    for one in told:
        found[one.place] = found[here.answered_in(one.place, one.message)] = None
    return list(found)


def _turn(
    turn: Turn, mine: Sequence[Asked], told: Sequence[Asked], shown: str, rest: str, *, refused: bool, mute: bool
) -> tuple[list[str], str]:
    """Return what is wrong with a turn, and the rest without what belongs to it."""
    there = [one for one in mine if not one.deleted]
    names = [one.names[-1] for one in there]
    answered = turn.state == "delivered"
    if answered and turn.outcome is not None:
        whole = squeezed(turn.outcome.answer)
        wrong = [] if whole in rest else [f"the answer to {names} is not whole: {_seen(shown, names)}"]
        known = {squeezed(answer_to(name)) for one in mine for name in one.names}
        if not all(_is_answered(one, whole, newest=_is_newest(one, told)) for one in _worded(there)):
            wrong.append(f"{names} is answered by {whole[:60]}")
        if not any(whole.startswith(one) for one in known):
            wrong.append(f"{names} is answered by something else: {whole[:60]}")
        return wrong, rest.replace(whole, "", 1)
    wrong = []
    excused = refused or mute or any(one.stopped or one.deleted for one in mine)
    if not excused:
        wrong.append(f"{names} {turn.state} without a reason: {shown[-150:]}")
    for name in {name for one in mine for name in one.names}:
        rest = _without_beginning(rest, squeezed(answer_to(name)))
    if turn.state == "failed" and not mute and not _says_something(shown):
        wrong.append(f"{names} failed without a word: {shown[-150:]}")
    return wrong, rest


def _worded(asked: Sequence[Asked]) -> Sequence[Asked]:
    """Return the questions of a turn whose answers can be told apart: beside words, the simulated Claude says nothing
    of a question without any.
    """
    return [one for one in asked if one.names[-1] != WORDLESS] or asked


def _is_answered(one: Asked, whole: str, *, newest: bool) -> bool:
    """Say whether an answer is to a question as it is now; below a newer one, it may be to what it was."""
    return any(squeezed(answer_to(name)) in whole for name in (one.names[-1:] if newest else one.names))


def _is_newest(one: Asked, told: Sequence[Asked]) -> bool:
    there = [other for other in told if _thread(other) == _thread(one)]
    return one is there[-1]


def _thread(one: Asked) -> str:
    return one.place.thread or ("" if one.place.direct and one.place.platform == "discord" else one.message)


def _seen(shown: str, names: Iterable[str]) -> str:
    return "; ".join(f"{name}: {len(_SENTENCE.findall(shown))} sentences of all" for name in names) + shown[-150:]


def _without_beginning(text: str, whole: str) -> str:
    """Return a text without the longest beginning of an answer that is in it."""
    at = text.find(whole[: len("Q00000begins.")])
    if at < 0:
        return text
    size = next(size for size in range(len(whole), 0, -1) if text.startswith(whole[:size], at))
    return text[:at] + text[at + size :]


def _says_something(shown: str) -> bool:
    return any(_bare(sentence) in _bare(shown) for sentence in _STATED)


def _beside(rest: str) -> list[str]:
    """Return what is no part of an answer and none of the bot's sentences."""
    left = _bare(rest)
    for sentence in _STATED:
        left = left.replace(_bare(sentence), "")
    return [f"this stands there, too: {left[:120]}"] if left else []


def _bare(text: str) -> str:
    return "".join(character for character in text if character.isalnum())


def vanished(changes: Sequence[Change], asked: Sequence[Asked]) -> list[str]:
    """Return the sentences of answers that were visible and are gone, at each change: where a question was edited or
    deleted, its answer may go once there is something in its place.
    """
    texts: dict[str, str] = {}
    threads: dict[str, str] = {}
    before: set[str] = set()
    wrong: list[str] = []
    free = {name for one in asked if one.changed_at for name in one.names}
    for change in changes:
        if not change.by_bot or not change.message or change.kind not in {"posted", "edited", "deleted"}:
            continue
        texts[change.message] = "" if change.kind == "deleted" else squeezed(change.text)
        threads.setdefault(change.message, f"{change.place} {change.thread}")
        now = "".join(texts[message] for message in sorted(texts, key=lambda m: (threads[m], _age(m))))
        seen = {match.group() for match in _SENTENCE.finditer(now)}
        gone = {sentence for sentence in before - seen if sentence[:6] not in free}
        if gone:
            seen_now = f"{change.kind} {change.message}: {change.text[-80:]!r}"
            wrong.append(f"{len(gone)} sentences vanished, {min(gone)}, when this was {seen_now}")
        if before and not now:
            wrong.append(f"all was gone at {change.kind} {change.message}")
        before = seen
    return wrong[:3]
