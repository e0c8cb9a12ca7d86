-- What would have to wait too long is left as it is, and not among the rows that come back.
INSERT INTO api_limits AS held (source, bucket, next_at, spacing, lead)
SELECT ?1, value ->> 0, ?3 + (value ->> 1), value ->> 1, value ->> 2
FROM json_each(?2)
WHERE true
ON CONFLICT (source, bucket) DO UPDATE SET
    next_at = max(held.next_at, ?3) + excluded.spacing,
    spacing = excluded.spacing,
    lead = excluded.lead
WHERE held.next_at - excluded.lead <= ?3 + ?4
RETURNING max(next_at - spacing - lead, ?3)
