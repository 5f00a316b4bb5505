"""The tables, as numbered steps. A step that was released is never changed; a new need is a new step."""

STEPS: tuple[str, ...] = (
    # A row in `turn` is an accepted question. `answered_by` is the first question of the turn that answers it, itself
    # included; the answer, note and usage stand in that first row. `thread` is a `ThreadKey` as text.
    """
    CREATE TABLE turn (
        id INTEGER PRIMARY KEY,
        platform TEXT NOT NULL,
        workspace TEXT NOT NULL,
        channel TEXT NOT NULL,
        message TEXT NOT NULL,
        thread TEXT NOT NULL,
        question TEXT NOT NULL,
        state TEXT NOT NULL DEFAULT 'accepted',
        answered_by INTEGER REFERENCES turn (id),
        answer TEXT NOT NULL DEFAULT '',
        note TEXT NOT NULL DEFAULT '',
        usage TEXT NOT NULL DEFAULT '{}',
        accepted_at_s REAL NOT NULL,
        ended_at_s REAL,
        UNIQUE (platform, workspace, channel, message)
    );
    CREATE INDEX turn_by_thread ON turn (thread);
    CREATE INDEX turn_by_leader ON turn (answered_by);
    CREATE INDEX turn_unended ON turn (id) WHERE state IN ('accepted', 'answering', 'answered');

    CREATE TABLE message (
        thread TEXT NOT NULL,
        seq INTEGER NOT NULL,
        turn INTEGER NOT NULL REFERENCES turn (id),
        content TEXT NOT NULL,
        PRIMARY KEY (thread, seq)
    ) WITHOUT ROWID;

    CREATE TABLE part (
        turn INTEGER NOT NULL REFERENCES turn (id),
        number INTEGER NOT NULL,
        mark TEXT NOT NULL UNIQUE,
        message_id TEXT NOT NULL DEFAULT '',
        PRIMARY KEY (turn, number)
    ) WITHOUT ROWID;

    CREATE TABLE blob (
        sha256 TEXT PRIMARY KEY,
        media_type TEXT NOT NULL,
        data BLOB NOT NULL,
        kept_at_s REAL NOT NULL
    );
    """,
)
