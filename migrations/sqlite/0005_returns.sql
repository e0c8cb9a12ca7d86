CREATE TABLE returns (
    source TEXT NOT NULL,
    return_ref TEXT NOT NULL,
    provider TEXT NOT NULL,
    order_ref TEXT,
    status TEXT NOT NULL DEFAULT 'requested',
    provider_status TEXT,
    status_at TEXT,
    return_type TEXT,
    refund_amount TEXT,
    reason TEXT,
    track_ref TEXT,
    mode TEXT NOT NULL DEFAULT 'live',
    created_at TEXT,
    updated_at TEXT,
    blocks TEXT NOT NULL DEFAULT '{}',
    CONSTRAINT returns_pkey PRIMARY KEY (source, return_ref),
    CONSTRAINT returns_return_ref_check CHECK (length(return_ref) BETWEEN 1 AND 200),
    CONSTRAINT returns_status_check CHECK (status IN ('requested', 'reviewing', 'approved', 'rejected')),
    CONSTRAINT returns_mode_check CHECK (mode IN ('live', 'test'))
) STRICT;

CREATE INDEX returns_order_idx ON returns (source, order_ref);
