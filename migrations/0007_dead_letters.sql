-- What could not become an event, kept whole and with the reason, until somebody looks or replays it.
CREATE TABLE dead_letters (
    id uuid NOT NULL,
    source text,
    provider text,
    received_at timestamptz,
    reason text NOT NULL,
    detail text NOT NULL,
    headers jsonb NOT NULL,
    body bytea NOT NULL,
    died_at timestamptz NOT NULL DEFAULT now(),
    replayed_at timestamptz,
    CONSTRAINT dead_letters_pkey PRIMARY KEY (id),
    CONSTRAINT dead_letters_reason_check CHECK (
        reason IN
        ('unparseable', 'stale_replay', 'unidentified', 'store_rejected', 'delivery_limit', 'not_an_envelope')
    )
);

COMMENT ON COLUMN dead_letters.headers IS 'the envelope without its body, or the properties of what was none';

CREATE INDEX dead_letters_waiting_idx ON dead_letters (died_at) WHERE replayed_at IS NULL;
