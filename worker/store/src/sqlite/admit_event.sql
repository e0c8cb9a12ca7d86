INSERT INTO events (
    id, source, provider, kind, event_key, provider_event_id, occurred_at, disbelieved_at, received_at,
    order_ref, esim_ref, payment_ref, origin, mode, traceparent, content_type, headers, body
)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)
ON CONFLICT DO NOTHING
