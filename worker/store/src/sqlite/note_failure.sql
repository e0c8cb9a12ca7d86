INSERT INTO api_breakers AS held (source, failures, open_until, last_error)
VALUES (?1, 1, ?5 + (?3 ->> 0), ?2)
ON CONFLICT (source) DO UPDATE SET
    failures = held.failures + 1,
    open_until = ?5 + (?3 ->> (min(held.failures + 1, json_array_length(?3)) - 1)),
    last_error = excluded.last_error,
    updated_at = ?6
WHERE held.open_until <= ?5 OR ?4
RETURNING failures, open_until
