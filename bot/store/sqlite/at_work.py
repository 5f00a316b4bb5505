"""What is known of a turn at work: what Claude wrote so far, and whether a process died of it."""

import sqlite3
import time

_MOST_AT_ONCE = 4
"""A death is shared out among at most this many turns: one that kills the process must be found in the end."""
_OF_LATE_S = 3600.0


def keep(db: sqlite3.Connection, primary: int, text: str) -> None:
    """Keep what Claude wrote."""
    insert = "INSERT INTO draft (turn, text) VALUES (?, ?) ON CONFLICT (turn) DO UPDATE SET text = excluded.text"
    if text:
        db.execute(insert, (primary, text.encode(errors="surrogatepass")))  # half a character is not UTF-8


def drop(db: sqlite3.Connection, primary: int) -> None:
    """Forget what Claude wrote: the answer is recorded, or nobody will ask for it."""
    db.execute("DELETE FROM draft WHERE turn = ?", (primary,))


def of(db: sqlite3.Connection, primary: int) -> str:
    """Return what Claude wrote so far, "" if nothing is known."""
    found = db.execute("SELECT text FROM draft WHERE turn = ?", (primary,)).fetchone()
    if found is None:
        return ""
    return found[0].decode(errors="surrogatepass") if isinstance(found[0], bytes) else str(found[0])


def set_at_work(db: sqlite3.Connection, primary: int, *, at_work: bool) -> None:
    """Record whether a process works at a turn."""
    db.execute("UPDATE turn SET at_work = ? WHERE id = ?", (at_work, primary))


def forgive(db: sqlite3.Connection, primary: int) -> None:
    """Clear a turn's past, as it begins or ends."""
    db.execute(
        "UPDATE turn SET at_work = 0, blame = 0, deaths = 0, stopping = 0, tried = 0, recovered = 0 WHERE id = ?",
        (primary,),
    )


def rest(db: sqlite3.Connection) -> None:
    """Record that this process works at nothing any more: it has not died."""
    db.execute("UPDATE turn SET at_work = 0 WHERE at_work = 1")


def blame(db: sqlite3.Connection) -> None:
    """Share out the death of the previous process, if it died, among the turns it worked at. The more processes died of
    late while a turn was not at work, the less it is to blame: somebody or something else ends them.
    """
    (count,) = db.execute("SELECT count(*) FROM turn WHERE at_work = 1").fetchone()
    if not count:
        return
    now_s = time.time()
    db.execute("DELETE FROM death WHERE at_s < ?", (now_s - _OF_LATE_S,))
    db.execute("INSERT INTO death (at_s) VALUES (?)", (now_s,))
    (all_deaths,) = db.execute("SELECT count(*) FROM death").fetchone()
    update = """UPDATE turn SET at_work = 0, deaths = deaths + 1,
        blame = blame + :share / (1 + max(0, :all - deaths - 1)) WHERE at_work = 1"""
    db.execute(update, {"share": 1.0 / min(count, _MOST_AT_ONCE), "all": all_deaths})
