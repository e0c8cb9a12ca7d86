CREATE TABLE fetch_tasks (
    source TEXT NOT NULL,
    question TEXT NOT NULL,
    reference TEXT NOT NULL,
    lookup TEXT NOT NULL,
    reason TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'pending',
    next_attempt_at TEXT NOT NULL,
    lease_until TEXT,
    is_wanted_again INTEGER NOT NULL DEFAULT 0,
    asked INTEGER NOT NULL DEFAULT 0,
    failures INTEGER NOT NULL DEFAULT 0,
    last_error TEXT,
    answer_hash TEXT,
    answered_at TEXT,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT fetch_tasks_pkey PRIMARY KEY (source, question, reference),
    CONSTRAINT fetch_tasks_question_check CHECK (question IN ('order', 'esim', 'usage', 'payment')),
    CONSTRAINT fetch_tasks_reason_check CHECK (reason IN ('thin', 'unconfirmed', 'poll', 'overdue')),
    CONSTRAINT fetch_tasks_status_check CHECK (status IN ('pending', 'asking', 'done', 'failed')),
    CONSTRAINT fetch_tasks_is_wanted_again_check CHECK (is_wanted_again IN (0, 1)),
    CONSTRAINT fetch_tasks_lease_while_asking_check CHECK ((status = 'asking') = (lease_until IS NOT NULL))
) STRICT;

CREATE INDEX fetch_tasks_due_idx ON fetch_tasks (next_attempt_at) WHERE status IN ('pending', 'asking');
