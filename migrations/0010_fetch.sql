-- Orders that the shop has registered, with a contact or without: they must become complete.
CREATE TABLE registrations (
    source text NOT NULL,
    order_ref text NOT NULL,
    description text,
    created_at timestamptz NOT NULL DEFAULT now(),
    repaired_at timestamptz,
    CONSTRAINT registrations_pkey PRIMARY KEY (source, order_ref),
    CONSTRAINT registrations_order_ref_check CHECK (char_length(order_ref) BETWEEN 1 AND 200)
);

COMMENT ON COLUMN registrations.description IS 'what the shop told the provider when it ordered; Airalo finds an order by it';
COMMENT ON COLUMN registrations.repaired_at IS 'no webhook completed the order, the provider''s API did';

INSERT INTO registrations (source, order_ref, created_at) SELECT source, order_ref, created_at FROM contacts;

-- For the clock and the sweep.
CREATE INDEX registrations_created_at_idx ON registrations (created_at);
DROP INDEX contacts_created_at_idx;

-- Questions to the providers' APIs: one row a question about an entity. Whoever wants it sooner moves it forward, so
-- that an answer serves everybody who waits for it.
CREATE TABLE fetch_tasks (
    source text NOT NULL,
    question text NOT NULL,
    reference text COLLATE "C" NOT NULL,
    lookup jsonb NOT NULL,
    reason text NOT NULL,
    status text NOT NULL DEFAULT 'pending',
    next_attempt_at timestamptz NOT NULL,
    lease_until timestamptz,
    -- Wanted again while it was being asked: the answer may be older than the want.
    is_wanted_again boolean NOT NULL DEFAULT false,
    -- Answers since it was first wanted for this reason.
    asked integer NOT NULL DEFAULT 0,
    -- Failures in a row.
    failures integer NOT NULL DEFAULT 0,
    last_error text,
    answer_hash text,
    answered_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT fetch_tasks_pkey PRIMARY KEY (source, question, reference),
    CONSTRAINT fetch_tasks_question_check CHECK (question IN ('order', 'esim', 'usage', 'payment')),
    CONSTRAINT fetch_tasks_reason_check CHECK (reason IN ('thin', 'unconfirmed', 'poll', 'overdue')),
    CONSTRAINT fetch_tasks_status_check CHECK (status IN ('pending', 'asking', 'done', 'failed')),
    CONSTRAINT fetch_tasks_lease_while_asking_check CHECK ((status = 'asking') = (lease_until IS NOT NULL))
);

-- While a question is being asked, next_attempt_at is the end of its lease.
CREATE INDEX fetch_tasks_due_idx ON fetch_tasks (next_attempt_at) WHERE status IN ('pending', 'asking');

-- Whether what an unsigned webhook claimed is confirmed by the provider's API; null where nothing was claimed.
ALTER TABLE orders ADD COLUMN confirmation text;
ALTER TABLE orders ADD CONSTRAINT orders_confirmation_check
CHECK (confirmation IN ('confirmed', 'unconfirmed', 'refuted'));
ALTER TABLE esims ADD COLUMN confirmation text;
ALTER TABLE esims ADD CONSTRAINT esims_confirmation_check
CHECK (confirmation IN ('confirmed', 'unconfirmed', 'refuted'));
ALTER TABLE payments ADD COLUMN confirmation text;
ALTER TABLE payments ADD CONSTRAINT payments_confirmation_check
CHECK (confirmation IN ('confirmed', 'unconfirmed', 'refuted'));

-- A delivery may wait for that confirmation.
ALTER TABLE deliveries DROP CONSTRAINT deliveries_status_check;
ALTER TABLE deliveries ADD CONSTRAINT deliveries_status_check
CHECK (status IN ('pending', 'sending', 'sent', 'failed', 'superseded', 'waiting_contact', 'waiting_confirmation'));
ALTER TABLE attempts DROP CONSTRAINT attempts_result_check;
ALTER TABLE attempts ADD CONSTRAINT attempts_result_check
CHECK (result IN ('sent', 'failed', 'superseded', 'waiting_contact', 'waiting_confirmation', 'postponed'));
CREATE INDEX deliveries_unconfirmed_idx ON deliveries (action_id) WHERE status = 'waiting_confirmation';
