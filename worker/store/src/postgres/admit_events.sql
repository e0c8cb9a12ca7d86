INSERT INTO events (
    id, source, provider, kind, event_key, provider_event_id, occurred_at, disbelieved_at, received_at,
    order_ref, esim_ref, payment_ref, origin, mode, traceparent, content_type, headers, body
)
SELECT
    id, source, provider, kind, event_key, provider_event_id, occurred_at, disbelieved_at, received_at,
    order_ref, esim_ref, payment_ref, origin, mode, traceparent, content_type, headers, body
FROM UNNEST(
    $1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[], $8::timestamptz[],
    $9::timestamptz[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[],
    $17::jsonb[], $18::bytea[]
) AS new (
    id, source, provider, kind, event_key, provider_event_id, occurred_at, disbelieved_at, received_at,
    order_ref, esim_ref, payment_ref, origin, mode, traceparent, content_type, headers, body
)
-- Everybody inserts in one order, so that two batches with the same events wait for each other instead of deadlocking.
ORDER BY source, event_key
ON CONFLICT DO NOTHING
RETURNING id
