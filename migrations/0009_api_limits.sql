-- When each provider's API may be asked next: the pace is kept across all workers, by this database's clock. A row whose
-- time is past means the same as no row.
CREATE TABLE api_limits (
    source text NOT NULL,
    bucket text NOT NULL,
    -- When the next request may go at an even pace; in a burst, up to `lead` earlier.
    next_at timestamptz NOT NULL,
    spacing interval NOT NULL,
    lead interval NOT NULL,
    CONSTRAINT api_limits_pkey PRIMARY KEY (source, bucket)
);

-- APIs that fail: whether they are asked at all. No row: nothing failed of late.
CREATE TABLE api_breakers (
    source text NOT NULL,
    -- In a row.
    failures integer NOT NULL,
    -- Nobody asks before.
    open_until timestamptz NOT NULL,
    last_error text NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT api_breakers_pkey PRIMARY KEY (source)
);
