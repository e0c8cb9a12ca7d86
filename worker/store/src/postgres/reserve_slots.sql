-- One statement, so that two workers never get the same slot. What would have to wait too long is left as it is, and
-- not among the rows that come back. The clock is read anew after a lock was waited for, which now() would not be.
INSERT INTO api_limits AS held (source, bucket, next_at, spacing, lead)
SELECT
    $1,
    asked.bucket,
    clock_timestamp() + asked.spacing_us * INTERVAL '1 microsecond',
    asked.spacing_us * INTERVAL '1 microsecond',
    asked.lead_us * INTERVAL '1 microsecond'
FROM unnest($2::text[], $3::bigint[], $4::bigint[]) AS asked (bucket, spacing_us, lead_us)
ORDER BY asked.bucket
ON CONFLICT (source, bucket) DO UPDATE SET
    next_at = GREATEST(held.next_at, clock_timestamp()) + EXCLUDED.spacing,
    spacing = EXCLUDED.spacing,
    lead = EXCLUDED.lead
WHERE held.next_at - EXCLUDED.lead <= clock_timestamp() + $5::bigint * INTERVAL '1 microsecond'
RETURNING GREATEST(held.next_at - held.spacing - held.lead, clock_timestamp()) AS "at!"
