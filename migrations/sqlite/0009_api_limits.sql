-- When each provider's API may be asked next. Nobody reads these but the worker, so its times are µs since 1970, and its
-- pauses µs.
CREATE TABLE api_limits (
    source TEXT NOT NULL,
    bucket TEXT NOT NULL,
    next_at INTEGER NOT NULL,
    spacing INTEGER NOT NULL,
    lead INTEGER NOT NULL,
    CONSTRAINT api_limits_pkey PRIMARY KEY (source, bucket)
) STRICT;

CREATE TABLE api_breakers (
    source TEXT NOT NULL PRIMARY KEY,
    failures INTEGER NOT NULL,
    open_until INTEGER NOT NULL,
    last_error TEXT NOT NULL,
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'))
) STRICT;
