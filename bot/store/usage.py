"""What was used and by whom: rows that are written before a call and changed to what it cost after it."""

import json
import sqlite3
import time
from collections.abc import Mapping
from typing import Any

from bot.events import Bill

_TOKENS = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens")


def count(db: sqlite3.Connection, leader: int, usage: Mapping[str, Any]) -> None:
    """Write down what a turn has used, for the person of its leading question."""
    tokens = sum(value for name in _TOKENS if isinstance(value := usage.get(name), int))
    if not tokens:
        return
    insert = """INSERT INTO usage (turn, usage, recorded_at_s, tokens, person)
        SELECT id, ?, ?, ?, platform || ':' || json_extract(question, '$.author.id') FROM turn WHERE id = ?"""
    db.execute(insert, (json.dumps(dict(usage)), time.time(), tokens, leader))


def charge(db: sqlite3.Connection, leader: int, bill: Bill) -> int:
    """Write down what each person pays, in place of what stands under the bill's number, and return the number."""
    number = bill.number or int(db.execute("SELECT coalesce(max(id), 0) + 1 FROM usage").fetchone()[0])
    said = json.dumps(dict(bill.usage))
    for person, share in bill.tokens.items():
        change = "UPDATE usage SET tokens = ?, usage = ? WHERE charge = ? AND person = ?"
        if not db.execute(change, (share, said, number, person)).rowcount:
            insert = "INSERT INTO usage (turn, usage, recorded_at_s, tokens, person, charge) VALUES (?, ?, ?, ?, ?, ?)"
            db.execute(insert, (leader, said, time.time(), share, person, number))
        said = "{}"  # it belongs to all of them together, and stands there once
    return number


def used(db: sqlite3.Connection, person: str, since_s: float) -> int:
    """Return the tokens that somebody has used since a time; "" is everybody."""
    select = "SELECT coalesce(sum(tokens), 0) FROM usage WHERE recorded_at_s >= ? AND ? IN ('', person)"
    return int(db.execute(select, (since_s, person)).fetchone()[0])


def used_up_to_s(db: sqlite3.Connection, person: str, since_s: float, tokens: int) -> float:
    """Return when somebody had used so many tokens, counted from a time on; 0.0 if they have not used as many."""
    select = """SELECT recorded_at_s FROM (
            SELECT recorded_at_s, sum(tokens) OVER (ORDER BY recorded_at_s) AS so_far
            FROM usage WHERE recorded_at_s >= ? AND ? IN ('', person)
        ) WHERE so_far >= ? LIMIT 1"""
    found = db.execute(select, (since_s, person, tokens)).fetchone()
    return float(found[0]) if found else 0.0
