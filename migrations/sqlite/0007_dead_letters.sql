CREATE TABLE dead_letters (
    id TEXT NOT NULL PRIMARY KEY,
    source TEXT,
    provider TEXT,
    received_at TEXT,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL,
    headers TEXT NOT NULL,
    body BLOB NOT NULL,
    died_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    replayed_at TEXT,
    CONSTRAINT dead_letters_reason_check CHECK (
        reason IN
        ('unparseable', 'stale_replay', 'unidentified', 'store_rejected', 'delivery_limit', 'not_an_envelope')
    )
) STRICT;

CREATE INDEX dead_letters_waiting_idx ON dead_letters (died_at) WHERE replayed_at IS NULL;
