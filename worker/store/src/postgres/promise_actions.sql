INSERT INTO actions (
    id, source, action_key, kind, audience, mode, order_ref, esim_ref, payload, premise, caused_by, traceparent
)
SELECT
    id, source, action_key, kind, audience, mode, order_ref, esim_ref, payload, premise, caused_by, traceparent
FROM JSON_POPULATE_RECORDSET(NULL::actions, $1::json)
ORDER BY source, action_key
ON CONFLICT DO NOTHING
RETURNING id
