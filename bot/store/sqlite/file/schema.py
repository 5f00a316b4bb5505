"""The tables, as numbered steps, and how a file gets from its step to the last one.

A step that was released is never changed; a new need is a new step.
"""

import sqlite3
import time

from bot.errors import StoreError

APPLICATION_ID = 0x50726C79
"""Marks the file as ours ("Prly", sqlite.org/pragma.html, application_id), so that we never write into another
program's database."""

STEPS: tuple[str, ...] = (
    # A row in `turn` is an accepted question. `answered_by` is the row of the turn that answers it (its own, if it
    # stands alone or leads); outcome and parts hang on that leading row. `question`, `outcome`, `content` and `usage`
    # are JSON. Times are seconds since 1970.
    """
    CREATE TABLE step (number INTEGER PRIMARY KEY, ran_at_s REAL NOT NULL);

    CREATE TABLE thread (
        id INTEGER PRIMARY KEY,
        platform TEXT NOT NULL,
        workspace TEXT NOT NULL,
        channel TEXT NOT NULL,
        thread TEXT NOT NULL,
        UNIQUE (platform, workspace, channel, thread)
    );

    CREATE TABLE turn (
        id INTEGER PRIMARY KEY,
        platform TEXT NOT NULL,
        workspace TEXT NOT NULL,
        channel TEXT NOT NULL,
        message TEXT NOT NULL,
        thread INTEGER NOT NULL REFERENCES thread (id),
        question TEXT NOT NULL,
        state TEXT NOT NULL DEFAULT 'accepted'
            CHECK (state IN ('accepted', 'answering', 'answered', 'delivered', 'failed', 'stopped')),
        answered_by INTEGER REFERENCES turn (id),
        outcome TEXT,
        accepted_at_s REAL NOT NULL,
        ended_at_s REAL,
        UNIQUE (platform, workspace, channel, message)
    );
    CREATE INDEX turn_by_thread ON turn (thread);
    CREATE INDEX turn_by_leader ON turn (answered_by);
    CREATE INDEX turn_unended ON turn (id) WHERE state IN ('accepted', 'answering', 'answered');

    CREATE TABLE message (
        id INTEGER PRIMARY KEY,
        thread INTEGER NOT NULL REFERENCES thread (id),
        turn INTEGER NOT NULL REFERENCES turn (id),
        content TEXT NOT NULL
    );
    CREATE INDEX message_by_thread ON message (thread, id);
    CREATE INDEX message_by_turn ON message (turn);

    CREATE TABLE usage (
        id INTEGER PRIMARY KEY,
        turn INTEGER NOT NULL REFERENCES turn (id),
        usage TEXT NOT NULL,
        recorded_at_s REAL NOT NULL
    );
    CREATE INDEX usage_by_turn ON usage (turn);

    CREATE TABLE part (
        turn INTEGER NOT NULL REFERENCES turn (id),
        number INTEGER NOT NULL,
        mark TEXT NOT NULL UNIQUE,
        message_id TEXT NOT NULL DEFAULT '',
        posting_at_s REAL NOT NULL,
        PRIMARY KEY (turn, number)
    ) WITHOUT ROWID;

    CREATE TABLE blob (
        id INTEGER PRIMARY KEY,
        sha256 TEXT NOT NULL UNIQUE,
        media_type TEXT NOT NULL,
        data BLOB NOT NULL,
        kept_at_s REAL NOT NULL
    );
    """,
    # A message with `dropped_at_s` belongs to a branch that was left: its turn was answered anew. `blob_use` says which
    # turns need a blob, `heard` is the checkpoint of each platform.
    """
    ALTER TABLE turn ADD COLUMN gesture TEXT NOT NULL DEFAULT '';
    CREATE UNIQUE INDEX turn_by_gesture ON turn (platform, workspace, channel, gesture) WHERE gesture <> '';
    CREATE INDEX turn_by_time ON turn (accepted_at_s);
    ALTER TABLE part ADD COLUMN file TEXT NOT NULL DEFAULT '';
    CREATE INDEX part_by_message ON part (message_id);
    ALTER TABLE message ADD COLUMN dropped_at_s REAL;

    CREATE TABLE blob_use (
        turn INTEGER NOT NULL REFERENCES turn (id),
        sha256 TEXT NOT NULL,
        PRIMARY KEY (turn, sha256)
    ) WITHOUT ROWID;
    CREATE INDEX blob_use_by_blob ON blob_use (sha256);
    INSERT INTO blob_use (turn, sha256)
        SELECT DISTINCT message.turn, found.atom FROM message, json_tree(message.content) AS found
        WHERE found.key = 'sha256' AND found.type = 'text';

    ALTER TABLE usage ADD COLUMN person TEXT NOT NULL DEFAULT '';
    ALTER TABLE usage ADD COLUMN tokens INTEGER NOT NULL DEFAULT 0;
    CREATE INDEX usage_by_time ON usage (recorded_at_s, person, tokens);

    CREATE TABLE heard (platform TEXT PRIMARY KEY, until_s REAL NOT NULL) WITHOUT ROWID;
    """,
    # A question with `deleted_at_s` was deleted by its author: one that says nothing may still be there. `refused` says
    # when somebody who may not speak to the bot was last told so. The rows of `usage` with one `charge` are what the
    # persons of a turn pay for one run of it; `usage` is {} until that is settled.
    """
    ALTER TABLE turn ADD COLUMN deleted_at_s REAL;
    CREATE TABLE refused (person TEXT PRIMARY KEY, told_at_s REAL NOT NULL) WITHOUT ROWID;
    ALTER TABLE usage ADD COLUMN charge INTEGER NOT NULL DEFAULT 0;
    CREATE INDEX usage_by_charge ON usage (charge) WHERE charge <> 0;

    -- On a leading row: whether a process works at the turn, how much it is to blame for deaths of processes that did
    -- (each death is shared out among the turns at work), at how many deaths it was at work, and whether a reader wants
    -- no more of the answer. `death`: when processes died of late while they worked. `draft`: what Claude wrote of an
    -- answer that is not recorded, at least as much as was ever shown of it.
    ALTER TABLE turn ADD COLUMN at_work INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE turn ADD COLUMN blame REAL NOT NULL DEFAULT 0;
    ALTER TABLE turn ADD COLUMN deaths INTEGER NOT NULL DEFAULT 0;
    CREATE TABLE death (at_s REAL NOT NULL);
    ALTER TABLE turn ADD COLUMN stopping INTEGER NOT NULL DEFAULT 0;
    CREATE INDEX turn_at_work ON turn (id) WHERE at_work = 1;
    CREATE TABLE draft (turn INTEGER PRIMARY KEY REFERENCES turn (id), text TEXT NOT NULL);

    -- `id`: which database this is, made once; a file that is moved or copied keeps it.
    CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    INSERT INTO meta (name, value) VALUES ('id', lower(hex(randomblob(16))));

    -- What each person ('': everybody) used in each ten minutes: nobody adds up a day's rows to know their sum. An
    -- account that begins with '@' says once more what persons pay, and is not of everybody's.
    CREATE TABLE usage_sum (
        person TEXT NOT NULL,
        slot INTEGER NOT NULL,
        tokens INTEGER NOT NULL,
        PRIMARY KEY (person, slot)
    ) WITHOUT ROWID;
    INSERT INTO usage_sum (person, slot, tokens)
        SELECT '', CAST(recorded_at_s / 600 AS INTEGER), sum(tokens) FROM usage GROUP BY 2
        UNION ALL
        SELECT person, CAST(recorded_at_s / 600 AS INTEGER), sum(tokens) FROM usage WHERE person <> '' GROUP BY 1, 2;
    CREATE TRIGGER usage_added AFTER INSERT ON usage BEGIN
        INSERT INTO usage_sum (person, slot, tokens)
            SELECT person, CAST(NEW.recorded_at_s / 600 AS INTEGER), NEW.tokens
            FROM (SELECT '' AS person WHERE NEW.person NOT GLOB '@*' UNION SELECT NEW.person) WHERE true
            ON CONFLICT (person, slot) DO UPDATE SET tokens = tokens + excluded.tokens;
    END;
    CREATE TRIGGER usage_settled AFTER UPDATE OF tokens ON usage BEGIN
        UPDATE usage_sum SET tokens = tokens + NEW.tokens - OLD.tokens
            WHERE person IN (iif(OLD.person GLOB '@*', OLD.person, ''), OLD.person)
            AND slot = CAST(OLD.recorded_at_s / 600 AS INTEGER);
    END;

    -- Who works at a thread (see `leases`), and at which turn: those with its `epoch`, as long as it has a `worker`.
    -- `tried`: so often in vain; `recovered`: left by another process, or after an attempt in vain.
    ALTER TABLE thread ADD COLUMN due_at_s REAL;
    ALTER TABLE thread ADD COLUMN worker TEXT;
    ALTER TABLE thread ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE turn ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE turn ADD COLUMN tried INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE turn ADD COLUMN recovered INTEGER NOT NULL DEFAULT 0;
    CREATE INDEX thread_due ON thread (due_at_s) WHERE due_at_s IS NOT NULL;
    DROP INDEX turn_unended;
    CREATE INDEX turn_open ON turn (thread) WHERE state IN ('accepted', 'answering', 'answered');
    UPDATE thread SET due_at_s = 0
        WHERE id IN (SELECT thread FROM turn WHERE state IN ('accepted', 'answering', 'answered'));

    -- The finished requests of a turn. `messages`: what each added, for a turn that goes on after them; NULL when none
    -- will.
    CREATE TABLE journal (
        id INTEGER PRIMARY KEY,
        turn INTEGER NOT NULL REFERENCES turn (id),
        number INTEGER NOT NULL,
        messages TEXT,
        usage TEXT NOT NULL,
        model TEXT NOT NULL,
        cost_usd REAL NOT NULL,
        at_s REAL NOT NULL
    );
    CREATE UNIQUE INDEX journal_open ON journal (turn, number) WHERE messages IS NOT NULL;
    CREATE INDEX journal_by_turn ON journal (turn);
    """,
)


def prepare(db: sqlite3.Connection) -> None:
    """Check the file, before anything is written to it, then bring its tables to the last step.

    Raises `StoreError` if it is another program's, damaged or newer than we are; `sqlite3.Error` if SQLite cannot
    read it at all. Afterwards a commit is on disk when it returns (WAL with FULL, sqlite.org/pragma.html), and what
    is deleted is overwritten.
    """
    version = _checked_version(db)
    if _value(db, "PRAGMA journal_mode = WAL") != "wal":
        raise StoreError("The database is on a disk that SQLite cannot share memory on; keep it on a local disk.")
    for pragma in ("synchronous = FULL", "foreign_keys = ON", "secure_delete = ON"):
        db.execute(f"PRAGMA {pragma}")
    for number, step in enumerate(STEPS[version:], version + 1):
        marks = f"PRAGMA user_version = {number}; PRAGMA application_id = {APPLICATION_ID}"
        db.executescript(f"BEGIN IMMEDIATE; {step} {marks};")
        db.execute("INSERT INTO step (number, ran_at_s) VALUES (?, ?)", (number, time.time()))
        db.execute("COMMIT")


def id_of(db: sqlite3.Connection) -> str:
    """Return which database this is, of one whose tables are at the last step."""
    return str(_value(db, "SELECT value FROM meta WHERE name = 'id'"))


def _checked_version(db: sqlite3.Connection) -> int:
    version = int(_value(db, "PRAGMA user_version"))
    owner = _value(db, "PRAGMA application_id")
    used = version or owner or _value(db, "SELECT count(*) FROM sqlite_master")
    if used and owner != APPLICATION_ID:
        raise StoreError("The database is another program's; name a file of its own under [store] path.")
    if version > len(STEPS):
        raise StoreError("The database was written by a newer Parley; run that version or a newer one.")
    verdict = _value(db, "PRAGMA quick_check(1)")
    if verdict != "ok":
        raise sqlite3.DatabaseError(verdict)
    return version


def _value(db: sqlite3.Connection, sql: str) -> str | int:
    value: str | int = db.execute(sql).fetchone()[0]
    return value
