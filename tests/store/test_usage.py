"""What was used: a sum of a day that is told at once, however much was asked in it."""

import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.store import open_store
from bot.store.sqlite import usage as accounts
from bot.store.sqlite.file import schema

DAY_S = 86_400.0
NOW_S = 1_790_000_123.25
PERSONS = ("discord:1", "discord:2", "slack:U1")
Row = tuple[str, int, float]

rows = st.lists(
    st.tuples(st.sampled_from(PERSONS), st.integers(0, 50_000), st.floats(NOW_S - 2 * DAY_S, NOW_S)), max_size=40
)


def new_database() -> sqlite3.Connection:
    db = sqlite3.connect(":memory:", isolation_level=None)
    for step in schema.STEPS:
        db.executescript(step)
    return db


def used_here(db: sqlite3.Connection, used: Sequence[Row]) -> None:
    insert = "INSERT INTO usage (turn, usage, person, tokens, recorded_at_s) VALUES (1, '{}', ?, ?, ?)"
    db.execute("BEGIN")
    db.executemany(insert, used)
    db.execute("COMMIT")


@given(used=rows, since_s=st.floats(NOW_S - 2 * DAY_S, NOW_S), person=st.sampled_from(["", *PERSONS]))
@settings(max_examples=150, deadline=None)
def test_what_was_used_since_a_time_is_the_sum_of_all_rows_since_then(
    used: list[Row], since_s: float, person: str
) -> None:
    with closing(new_database()) as db:
        used_here(db, used)
        theirs = [(at_s, tokens) for who, tokens, at_s in used if at_s >= since_s and person in {"", who}]
        assert accounts.spent(db, person, since_s) == sum(tokens for _, tokens in theirs)


@given(
    used=rows,
    since_s=st.floats(NOW_S - 2 * DAY_S, NOW_S),
    person=st.sampled_from(["", *PERSONS]),
    tokens=st.integers(1, 400_000),
)
@settings(max_examples=150, deadline=None)
def test_so_many_tokens_were_used_up_with_the_row_that_reaches_them(
    used: list[Row], since_s: float, person: str, tokens: int
) -> None:
    with closing(new_database()) as db:
        used_here(db, used)
        reached_s, so_far = 0.0, 0
        for at_s, more in sorted((at_s, more) for who, more, at_s in used if person in {"", who} and at_s >= since_s):
            so_far += more
            if so_far >= tokens:
                reached_s = at_s
                break
        assert accounts.spent_at_s(db, person, since_s, tokens) == reached_s


@pytest.mark.parametrize("version", [1, 2])
async def test_a_database_of_a_released_version_counts_what_it_had_used(file: Path, version: int) -> None:
    file.parent.mkdir(parents=True)
    with closing(sqlite3.connect(file)) as db, db:
        for step in schema.STEPS[:version]:
            db.executescript(step)
        db.executescript(f"PRAGMA user_version = {version}; PRAGMA application_id = {schema.APPLICATION_ID};")
        if version == 2:
            used_here(db, [("discord:1", 5, NOW_S), ("discord:1", 7, NOW_S - 50.0), ("", 0, NOW_S)])
        else:
            db.execute("INSERT INTO usage (turn, usage, recorded_at_s) VALUES (1, '{}', ?)", (NOW_S,))
    async with open_store(file) as store:
        assert await store.usage.spent("", NOW_S - DAY_S) == (12 if version == 2 else 0)
        assert await store.usage.spent("discord:1", NOW_S - DAY_S) == (12 if version == 2 else 0)


def test_a_day_of_a_million_rows_is_summed_up_and_searched_in_five_milliseconds() -> None:
    """Of CPU time: twenty questions a second leave 1.7 million rows a day, and each new one asks for their sum."""
    with closing(new_database()) as db:
        count, each_s = 200_000, DAY_S / 1_000_000
        used_here(db, [(PERSONS[n % 3], 10, NOW_S - n * each_s) for n in range(count)])  # the density of a million
        since_s, spent_s = NOW_S - count * each_s + 1.0, []
        for ask in (lambda: accounts.spent(db, "", since_s), lambda: accounts.spent(db, PERSONS[0], since_s)) * 3:
            begun_s = time.thread_time()
            ask()
            spent_s.append(time.thread_time() - begun_s)
        assert min(spent_s[::2]) < 0.005
        assert min(spent_s[1::2]) < 0.005
        begun_s = time.thread_time()
        assert accounts.spent_at_s(db, "", since_s, count * 5) > since_s
        assert time.thread_time() - begun_s < 0.05
