"""Rows ↔ turns: the reading and changing of turns that more than one of the store's jobs needs."""

import json
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import asdict

from bot.errors import IllegalTransition
from bot.events import AnswerMessage, Button, File, Incoming, MessageKey, Outcome, ThreadKey, Turn, TurnState
from bot.store.records import dump, load
from bot.store.sqlite import at_work

OPEN = "state IN ({})".format(", ".join(f"'{state}'" for state in TurnState if not state.has_ended))
"""A condition that only open turns meet; the index `turn_open` has the same."""
_LEADS = "(turn.id = :leader OR turn.answered_by = :leader)"


def thread_id(db: sqlite3.Connection, key: ThreadKey) -> int | None:
    """Return a thread's row, if it has one."""
    select = "SELECT id FROM thread WHERE platform = ? AND workspace = ? AND channel = ? AND thread = ?"
    found = db.execute(select, (key.platform, key.workspace, key.channel, key.thread)).fetchone()
    return None if found is None else int(found[0])


def new_thread(db: sqlite3.Connection, key: ThreadKey, due_at_s: float) -> int:
    """Make a thread's row and return it."""
    insert = "INSERT INTO thread (platform, workspace, channel, thread, due_at_s) VALUES (?, ?, ?, ?, ?)"
    return int(db.execute(insert, (key.platform, key.workspace, key.channel, key.thread, due_at_s)).lastrowid or 0)


def row_of(db: sqlite3.Connection, key: MessageKey) -> tuple[int, int | None]:
    """Return a question's row and the row of the turn that answers it, if one was begun. Raises `KeyError`."""
    select = "SELECT id, answered_by FROM turn WHERE platform = ? AND workspace = ? AND channel = ? AND message = ?"
    found: tuple[int, int | None] | None = db.execute(
        select, (key.platform, key.workspace, key.channel, key.message)
    ).fetchone()
    if found is None:
        raise KeyError(str(key))
    return found


def leader_of(db: sqlite3.Connection, key: MessageKey) -> int:
    """Return the row a turn's outcome and parts hang on, whichever of its questions names it. Raises `KeyError`."""
    row, primary = row_of(db, key)
    return row if primary is None else primary


def leader_with(db: sqlite3.Connection, message: MessageKey) -> int | None:
    """Return the leading row of the turn that a message belongs to, as a question or as a part of the answer."""
    try:
        return leader_of(db, message)
    except KeyError:
        pass
    # Slack's ids are unique in a channel only. An answer may stand in its question's channel or in its thread's.
    select = """SELECT turn.id FROM part JOIN turn ON turn.id = part.turn JOIN thread ON thread.id = turn.thread
        WHERE part.message_id = ? AND turn.platform = ? AND turn.workspace = ?
        AND ? IN (turn.channel, thread.channel, thread.thread)"""
    found = db.execute(select, (message.message, message.platform, message.workspace, message.channel)).fetchone()
    return None if found is None else int(found[0])


def unended(db: sqlite3.Connection) -> list[Turn]:
    """Return the turns that have not ended, in the order they were accepted."""
    select = f"SELECT id FROM turn WHERE {OPEN} AND coalesce(answered_by, id) = id ORDER BY id"  # noqa: S608 - ours
    return [turn_at(db, primary) for (primary,) in db.execute(select).fetchall()]


def turn_at(db: sqlite3.Connection, primary: int) -> Turn:
    """Return the turn of a leading row."""
    select = "SELECT state, outcome, blame, stopping, tried FROM turn WHERE id = ?"
    state, outcome, blame, stopping, tried = db.execute(select, (primary,)).fetchone()
    select = f"SELECT question, deleted_at_s FROM turn WHERE {_LEADS}"  # noqa: S608 - ours
    rows = [(load(text), gone_s) for text, gone_s in db.execute(select, {"leader": primary}).fetchall()]
    questions = sorted((question for question, _ in rows), key=lambda q: q.order)
    deleted = frozenset(question.key for question, gone_s in rows if gone_s is not None)
    select = "SELECT number, mark, message_id, file FROM part WHERE turn = ? ORDER BY number"
    parts = tuple(AnswerMessage(*row) for row in db.execute(select, (primary,)).fetchall())
    return Turn(
        tuple(questions),
        TurnState(state),
        parts,
        _outcome(outcome) if outcome else None,
        deleted,
        draft=at_work.of(db, primary),
        blame=blame,
        stopping=bool(stopping),
        tried=tried,
    )


def dump_outcome(outcome: Outcome) -> str:
    """Return an outcome as JSON."""
    return json.dumps(asdict(outcome))


def _outcome(text: str) -> Outcome:
    record = json.loads(text)  # one of an older version has no more than `answer` and `note`
    record["state"] = TurnState(record.get("state", TurnState.DELIVERED))
    files = tuple(File(**file) for file in record.pop("files", ()))
    return Outcome(**{**record, "files": files, "buttons": tuple(Button(b) for b in record.pop("buttons", ()))})


def thread_of(db: sqlite3.Connection, primary: int) -> int:
    """Return the row of a turn's thread."""
    return int(db.execute("SELECT thread FROM turn WHERE id = ?", (primary,)).fetchone()[0])


def state_of(db: sqlite3.Connection, primary: int) -> TurnState:
    """Return where a turn stands."""
    return TurnState(db.execute("SELECT state FROM turn WHERE id = ?", (primary,)).fetchone()[0])


def set_state(db: sqlite3.Connection, primary: int, state: TurnState) -> None:
    """Put a turn and all the questions it answers into a state. Raise `IllegalTransition` if it cannot get there."""
    _move(db, primary, state_of(db, primary), state)


def _move(db: sqlite3.Connection, primary: int, before: TurnState, state: TurnState) -> None:
    if not before.may_become(state):
        raise IllegalTransition("Something of ours went wrong.", f"turn {primary}: {before} -> {state}")
    ended_at_s = time.time() if state.has_ended else None
    update = f"UPDATE turn SET state = :state, ended_at_s = :ended WHERE {_LEADS}"  # noqa: S608 - ours
    db.execute(update, {"state": state, "ended": ended_at_s, "leader": primary})


def reopen(db: sqlite3.Connection, key: MessageKey, question: Incoming | None) -> Turn | None:
    """Reopen a thread's newest turn: see `bot.ports.Turns.reopen`."""
    row, led = row_of(db, key)
    primary = row if led is None else led
    select = "SELECT thread, state, outcome FROM turn WHERE id = ?"
    thread, was, outcome = db.execute(select, (primary,)).fetchone()
    state = TurnState(was)
    if question is None and not state.has_ended:  # pressed once more while it is answered anew
        return None
    # A question that was stopped before there was anything to remember of it does not count.
    later = """SELECT 1 FROM turn WHERE thread = :thread AND coalesce(answered_by, id) > :primary
        AND (state <> :stopped OR EXISTS (SELECT 1 FROM message WHERE message.turn = turn.id))"""
    known = {"thread": thread, "primary": primary, "stopped": TurnState.STOPPED}
    if state is not TurnState.ACCEPTED and db.execute(later, known).fetchone() is not None:
        return None
    if question is not None:
        db.execute("UPDATE turn SET question = ? WHERE id = ?", (dump(question), row_of(db, question.key)[0]))
    if state is not TurnState.ACCEPTED:
        if outcome:
            at_work.keep(db, primary, _outcome(outcome).answer)  # it is what readers see, until there is more
        at_work.forgive(db, primary)
        drop = "UPDATE message SET dropped_at_s = ? WHERE turn = ? AND dropped_at_s IS NULL"
        db.execute(drop, (time.time(), primary))
        db.execute("UPDATE turn SET answered_by = id, outcome = NULL WHERE id = ?", (primary,))
        set_state(db, primary, TurnState.ANSWERING)
    return turn_at(db, primary)


def merge_into(db: sqlite3.Connection, questions: Sequence[Incoming]) -> int:
    """Make questions one turn that is being answered; return its row. Raise `KeyError` and `ValueError`."""
    rows = [row_of(db, question.key) for question in questions]
    led = {primary for _, primary in rows if primary is not None}
    if len(led) > 1:
        raise ValueError("these questions belong to more than one turn")
    primary = led.pop() if led else rows[0][0]
    db.executemany("UPDATE turn SET answered_by = ? WHERE id = ?", [(primary, row) for row, _ in rows])
    before = state_of(db, primary)
    _move(
        db, primary, before, before if before is TurnState.ANSWERED else TurnState.ANSWERING
    )  # or it is only delivered
    at_work.set_at_work(db, primary, at_work=True)
    return primary
