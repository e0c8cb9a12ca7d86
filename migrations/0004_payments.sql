CREATE TABLE payments (
    source text NOT NULL,
    payment_ref text NOT NULL,
    provider text NOT NULL,
    direction text,
    status text NOT NULL DEFAULT 'pending',
    provider_status text,
    status_at timestamptz,
    amount numeric,
    code text,
    payer_email text,
    failure_reason text,
    operation_ref text,
    description text,
    mode text NOT NULL DEFAULT 'live',
    created_at timestamptz,
    updated_at timestamptz,
    blocks jsonb NOT NULL DEFAULT '{}',
    CONSTRAINT payments_pkey PRIMARY KEY (source, payment_ref),
    CONSTRAINT payments_payment_ref_check CHECK (char_length(payment_ref) BETWEEN 1 AND 200),
    CONSTRAINT payments_direction_check CHECK (direction IN ('payin', 'payout')),
    CONSTRAINT payments_status_check CHECK (status IN ('pending', 'succeeded', 'failed', 'cancelled')),
    CONSTRAINT payments_mode_check CHECK (mode IN ('live', 'test'))
);

CREATE INDEX payments_code_idx ON payments (source, code) WHERE code IS NOT NULL;
