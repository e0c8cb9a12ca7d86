-- The same tables as for PostgreSQL, in SQLite's types: times are text of a fixed width (2026-05-31T10:00:00.000000Z), so
-- that their order is the order of the text; ids, amounts and JSON are text, and a boolean is 0 or 1.
CREATE TABLE events (
    id TEXT NOT NULL PRIMARY KEY,
    source TEXT NOT NULL,
    provider TEXT NOT NULL,
    kind TEXT NOT NULL,
    event_key TEXT NOT NULL,
    provider_event_id TEXT,
    occurred_at TEXT,
    disbelieved_at TEXT,
    received_at TEXT NOT NULL,
    applied_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    order_ref TEXT,
    esim_ref TEXT,
    payment_ref TEXT,
    origin TEXT NOT NULL,
    mode TEXT NOT NULL,
    traceparent TEXT,
    content_type TEXT,
    headers TEXT NOT NULL,
    body BLOB NOT NULL,
    CONSTRAINT events_source_event_key_key UNIQUE (source, event_key),
    CONSTRAINT events_provider_check CHECK (provider IN ('airalo', 'esim_access', 'yoni', 'simplifytrip', 'airtm')),
    CONSTRAINT events_origin_check CHECK (origin IN ('webhook', 'fetch', 'clock', 'replay')),
    CONSTRAINT events_mode_check CHECK (mode IN ('live', 'test')),
    CONSTRAINT events_order_ref_check CHECK (length(order_ref) BETWEEN 1 AND 200),
    CONSTRAINT events_esim_ref_check CHECK (length(esim_ref) BETWEEN 1 AND 400),
    CONSTRAINT events_payment_ref_check CHECK (length(payment_ref) BETWEEN 1 AND 200)
) STRICT;

CREATE INDEX events_order_idx ON events (source, order_ref, received_at) WHERE order_ref IS NOT NULL;
CREATE INDEX events_esim_idx ON events (source, esim_ref, received_at) WHERE esim_ref IS NOT NULL;
CREATE INDEX events_payment_idx ON events (source, payment_ref, received_at) WHERE payment_ref IS NOT NULL;
CREATE INDEX events_received_at_idx ON events (received_at);
