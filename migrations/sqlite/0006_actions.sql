CREATE TABLE actions (
    id TEXT NOT NULL PRIMARY KEY,
    source TEXT NOT NULL,
    action_key TEXT NOT NULL,
    kind TEXT NOT NULL,
    audience TEXT NOT NULL,
    mode TEXT NOT NULL,
    order_ref TEXT,
    esim_ref TEXT,
    payload TEXT NOT NULL,
    premise TEXT NOT NULL,
    caused_by TEXT NOT NULL,
    traceparent TEXT,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    CONSTRAINT actions_source_action_key_key UNIQUE (source, action_key),
    CONSTRAINT actions_audience_check CHECK (audience IN ('customer', 'operator')),
    CONSTRAINT actions_mode_check CHECK (mode IN ('live', 'test'))
) STRICT;

CREATE INDEX actions_esim_idx ON actions (source, esim_ref) WHERE esim_ref IS NOT NULL;
CREATE INDEX actions_order_idx ON actions (source, order_ref) WHERE order_ref IS NOT NULL;
CREATE INDEX actions_caused_by_idx ON actions (caused_by);

CREATE TABLE deliveries (
    action_id TEXT NOT NULL REFERENCES actions (id) ON DELETE CASCADE,
    channel TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'pending',
    attempts INTEGER NOT NULL DEFAULT 0,
    next_attempt_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    lease_until TEXT,
    last_error TEXT,
    sent_at TEXT,
    CONSTRAINT deliveries_pkey PRIMARY KEY (action_id, channel),
    CONSTRAINT deliveries_status_check CHECK (
        status IN
        ('pending', 'sending', 'sent', 'failed', 'superseded', 'waiting_contact', 'waiting_confirmation')
    ),
    CONSTRAINT deliveries_attempts_check CHECK (attempts >= 0),
    CONSTRAINT deliveries_lease_while_sending_check CHECK ((status = 'sending') = (lease_until IS NOT NULL)),
    CONSTRAINT deliveries_sent_at_when_sent_check CHECK ((status = 'sent') = (sent_at IS NOT NULL))
) STRICT;

-- While a delivery is being sent, next_attempt_at is the end of its lease: from then on it may be taken over.
CREATE INDEX deliveries_due_idx ON deliveries (channel, next_attempt_at) WHERE status IN ('pending', 'sending');
CREATE INDEX deliveries_failed_idx ON deliveries (channel) WHERE status = 'failed';
CREATE INDEX deliveries_waiting_idx ON deliveries (action_id) WHERE status = 'waiting_contact';
CREATE INDEX deliveries_unconfirmed_idx ON deliveries (action_id) WHERE status = 'waiting_confirmation';

CREATE TABLE attempts (
    action_id TEXT NOT NULL,
    channel TEXT NOT NULL,
    at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    result TEXT NOT NULL,
    error TEXT,
    CONSTRAINT attempts_delivery_fkey
        FOREIGN KEY (action_id, channel) REFERENCES deliveries (action_id, channel) ON DELETE CASCADE,
    CONSTRAINT attempts_result_check CHECK (
        result IN ('sent', 'failed', 'superseded', 'waiting_contact', 'waiting_confirmation', 'postponed')
    )
) STRICT;

CREATE INDEX attempts_delivery_idx ON attempts (action_id, channel, at);

CREATE TABLE disabled_endpoints (
    channel TEXT NOT NULL,
    address TEXT NOT NULL,
    disabled_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')),
    reason TEXT NOT NULL,
    CONSTRAINT disabled_endpoints_pkey PRIMARY KEY (channel, address)
) STRICT;
