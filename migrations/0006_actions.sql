-- The outbox: what was promised, and its delivery over each channel.
CREATE TABLE actions (
    id uuid NOT NULL,
    source text NOT NULL,
    action_key text COLLATE "C" NOT NULL,
    kind text NOT NULL,
    audience text NOT NULL,
    mode text NOT NULL,
    order_ref text,
    esim_ref text,
    payload jsonb NOT NULL,
    premise jsonb NOT NULL,
    caused_by uuid NOT NULL,
    traceparent text,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT actions_pkey PRIMARY KEY (id),
    CONSTRAINT actions_source_action_key_key UNIQUE (source, action_key),
    CONSTRAINT actions_audience_check CHECK (audience IN ('customer', 'operator')),
    CONSTRAINT actions_mode_check CHECK (mode IN ('live', 'test'))
);

COMMENT ON COLUMN actions.caused_by IS 'events.id';

CREATE INDEX actions_esim_idx ON actions (source, esim_ref) WHERE esim_ref IS NOT NULL;
CREATE INDEX actions_order_idx ON actions (source, order_ref) WHERE order_ref IS NOT NULL;
CREATE INDEX actions_caused_by_idx ON actions (caused_by);

CREATE TABLE deliveries (
    action_id uuid NOT NULL,
    channel text NOT NULL,
    status text NOT NULL DEFAULT 'pending',
    attempts integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz NOT NULL DEFAULT now(),
    lease_until timestamptz,
    last_error text,
    sent_at timestamptz,
    CONSTRAINT deliveries_pkey PRIMARY KEY (action_id, channel),
    CONSTRAINT deliveries_action_id_fkey FOREIGN KEY (action_id) REFERENCES actions (id) ON DELETE CASCADE,
    CONSTRAINT deliveries_status_check
        CHECK (status IN ('pending', 'sending', 'sent', 'failed', 'superseded', 'waiting_contact')),
    CONSTRAINT deliveries_attempts_check CHECK (attempts >= 0),
    CONSTRAINT deliveries_lease_while_sending_check CHECK ((status = 'sending') = (lease_until IS NOT NULL)),
    CONSTRAINT deliveries_sent_at_when_sent_check CHECK ((status = 'sent') = (sent_at IS NOT NULL))
);

-- While a delivery is being sent, next_attempt_at is the end of its lease: from then on another relay may take it over.
CREATE INDEX deliveries_due_idx ON deliveries (channel, next_attempt_at) WHERE status IN ('pending', 'sending');
CREATE INDEX deliveries_failed_idx ON deliveries (channel) WHERE status = 'failed';

-- An endpoint that answered 410 Gone wants no more; a new address is a new row, so it starts enabled.
CREATE TABLE disabled_endpoints (
    channel text NOT NULL,
    address text NOT NULL,
    disabled_at timestamptz NOT NULL DEFAULT now(),
    reason text NOT NULL,
    CONSTRAINT disabled_endpoints_pkey PRIMARY KEY (channel, address)
);
