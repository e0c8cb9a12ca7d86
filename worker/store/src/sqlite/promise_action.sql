INSERT INTO actions (
    id, source, action_key, kind, audience, mode, order_ref, esim_ref, payload, premise, caused_by, traceparent
)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
ON CONFLICT DO NOTHING
