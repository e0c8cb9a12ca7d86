CREATE TABLE returns (
    source text NOT NULL,
    return_ref text NOT NULL,
    provider text NOT NULL,
    order_ref text,
    status text NOT NULL DEFAULT 'requested',
    provider_status text,
    status_at timestamptz,
    return_type text,
    refund_amount numeric,
    reason text,
    track_ref text,
    mode text NOT NULL DEFAULT 'live',
    created_at timestamptz,
    updated_at timestamptz,
    blocks jsonb NOT NULL DEFAULT '{}',
    CONSTRAINT returns_pkey PRIMARY KEY (source, return_ref),
    CONSTRAINT returns_return_ref_check CHECK (char_length(return_ref) BETWEEN 1 AND 200),
    CONSTRAINT returns_status_check CHECK (status IN ('requested', 'reviewing', 'approved', 'rejected')),
    CONSTRAINT returns_mode_check CHECK (mode IN ('live', 'test'))
);

CREATE INDEX returns_order_idx ON returns (source, order_ref);
