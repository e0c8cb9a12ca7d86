-- In this and the next three tables `blocks` is the state that the join works on, and the other columns are what
-- people read of it. Times are the events' own, so that the same events end in the same row in any order.
CREATE TABLE orders (
    source text NOT NULL,
    order_ref text NOT NULL,
    provider text NOT NULL,
    status text NOT NULL DEFAULT 'pending',
    provider_status text,
    status_at timestamptz,
    needs_review boolean NOT NULL DEFAULT false,
    failure_reason text,
    product text,
    package_code text,
    package_name text,
    amount numeric,
    currency text,
    quantity bigint,
    track_ref text,
    mode text NOT NULL DEFAULT 'live',
    created_at timestamptz,
    updated_at timestamptz,
    blocks jsonb NOT NULL DEFAULT '{}',
    CONSTRAINT orders_pkey PRIMARY KEY (source, order_ref),
    CONSTRAINT orders_order_ref_check CHECK (char_length(order_ref) BETWEEN 1 AND 200),
    CONSTRAINT orders_status_check
        CHECK (status IN ('pending', 'processing', 'shipping', 'completed', 'failed', 'cancelled')),
    CONSTRAINT orders_product_check CHECK (product IN ('esim', 'top_up', 'physical_sim')),
    CONSTRAINT orders_quantity_check CHECK (quantity >= 0),
    CONSTRAINT orders_mode_check CHECK (mode IN ('live', 'test'))
);

COMMENT ON COLUMN orders.created_at IS 'when we first received anything about the order';
COMMENT ON COLUMN orders.updated_at IS 'when we last received anything about the order';

CREATE INDEX orders_review_idx ON orders (source, order_ref) WHERE needs_review;
