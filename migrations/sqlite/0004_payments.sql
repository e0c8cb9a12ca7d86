CREATE TABLE payments (
    source TEXT NOT NULL,
    payment_ref TEXT NOT NULL,
    provider TEXT NOT NULL,
    direction TEXT,
    status TEXT NOT NULL DEFAULT 'pending',
    provider_status TEXT,
    status_at TEXT,
    amount TEXT,
    code TEXT,
    payer_email TEXT,
    failure_reason TEXT,
    operation_ref TEXT,
    description TEXT,
    mode TEXT NOT NULL DEFAULT 'live',
    created_at TEXT,
    updated_at TEXT,
    blocks TEXT NOT NULL DEFAULT '{}',
    confirmation TEXT,
    CONSTRAINT payments_pkey PRIMARY KEY (source, payment_ref),
    CONSTRAINT payments_payment_ref_check CHECK (length(payment_ref) BETWEEN 1 AND 200),
    CONSTRAINT payments_direction_check CHECK (direction IN ('payin', 'payout')),
    CONSTRAINT payments_status_check CHECK (status IN ('pending', 'succeeded', 'failed', 'cancelled')),
    CONSTRAINT payments_mode_check CHECK (mode IN ('live', 'test')),
    CONSTRAINT payments_confirmation_check CHECK (confirmation IN ('confirmed', 'unconfirmed', 'refuted'))
) STRICT;

CREATE INDEX payments_code_idx ON payments (source, code) WHERE code IS NOT NULL;
