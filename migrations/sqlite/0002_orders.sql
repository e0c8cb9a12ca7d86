CREATE TABLE orders (
    source TEXT NOT NULL,
    order_ref TEXT NOT NULL,
    provider TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'pending',
    provider_status TEXT,
    status_at TEXT,
    needs_review INTEGER NOT NULL DEFAULT 0,
    failure_reason TEXT,
    product TEXT,
    package_code TEXT,
    package_name TEXT,
    amount TEXT,
    currency TEXT,
    quantity INTEGER,
    track_ref TEXT,
    mode TEXT NOT NULL DEFAULT 'live',
    created_at TEXT,
    updated_at TEXT,
    blocks TEXT NOT NULL DEFAULT '{}',
    confirmation TEXT,
    CONSTRAINT orders_pkey PRIMARY KEY (source, order_ref),
    CONSTRAINT orders_order_ref_check CHECK (length(order_ref) BETWEEN 1 AND 200),
    CONSTRAINT orders_status_check
        CHECK (status IN ('pending', 'processing', 'shipping', 'completed', 'failed', 'cancelled')),
    CONSTRAINT orders_needs_review_check CHECK (needs_review IN (0, 1)),
    CONSTRAINT orders_product_check CHECK (product IN ('esim', 'top_up', 'physical_sim')),
    CONSTRAINT orders_quantity_check CHECK (quantity >= 0),
    CONSTRAINT orders_mode_check CHECK (mode IN ('live', 'test')),
    CONSTRAINT orders_confirmation_check CHECK (confirmation IN ('confirmed', 'unconfirmed', 'refuted'))
) STRICT;

CREATE INDEX orders_review_idx ON orders (source, order_ref) WHERE needs_review;
