-- What the providers said: the inbox. A row is written in the transaction that applies it, so it is there exactly if
-- its effects are.
CREATE TABLE events (
    id uuid NOT NULL,
    source text NOT NULL,
    provider text NOT NULL,
    kind text NOT NULL,
    event_key text COLLATE "C" NOT NULL,
    provider_event_id text,
    occurred_at timestamptz,
    disbelieved_at timestamptz,
    received_at timestamptz NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(),
    order_ref text,
    esim_ref text,
    payment_ref text,
    origin text NOT NULL,
    mode text NOT NULL,
    traceparent text,
    content_type text,
    headers jsonb NOT NULL,
    body bytea NOT NULL,
    CONSTRAINT events_pkey PRIMARY KEY (id),
    CONSTRAINT events_source_event_key_key UNIQUE (source, event_key),
    CONSTRAINT events_provider_check CHECK (provider IN ('airalo', 'esim_access', 'yoni', 'simplifytrip', 'airtm')),
    CONSTRAINT events_origin_check CHECK (origin IN ('webhook', 'fetch', 'clock', 'replay')),
    CONSTRAINT events_mode_check CHECK (mode IN ('live', 'test')),
    CONSTRAINT events_order_ref_check CHECK (char_length(order_ref) BETWEEN 1 AND 200),
    CONSTRAINT events_esim_ref_check CHECK (char_length(esim_ref) BETWEEN 1 AND 400),
    CONSTRAINT events_payment_ref_check CHECK (char_length(payment_ref) BETWEEN 1 AND 200)
);

COMMENT ON COLUMN events.event_key IS
    'SHA-256 of the canonical body; with @ and the time of receipt where a body has no identity of its own';
COMMENT ON COLUMN events.disbelieved_at IS
    'the time that the provider gave, more than an hour after receipt and so not believed';

CREATE INDEX events_order_idx ON events (source, order_ref, received_at) WHERE order_ref IS NOT NULL;
CREATE INDEX events_esim_idx ON events (source, esim_ref, received_at) WHERE esim_ref IS NOT NULL;
CREATE INDEX events_payment_idx ON events (source, payment_ref, received_at) WHERE payment_ref IS NOT NULL;
CREATE INDEX events_received_at_idx ON events (received_at);
