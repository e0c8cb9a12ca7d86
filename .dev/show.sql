-- What became of the events :ids. Everything that they touched was last updated when they came.
\pset footer off
\pset border 2
\pset linestyle unicode
\pset null ''

SELECT min(received_at) AS since
FROM (SELECT id, received_at FROM events UNION ALL SELECT id, received_at FROM dead_letters) AS come
WHERE id = ANY (:'ids'::uuid[]) \gset

\echo
\echo Orders
SELECT source, order_ref, status, provider_status AS "provider said", package_name, amount, currency, mode, failure_reason
FROM orders
WHERE updated_at >= :'since'
ORDER BY source, created_at, order_ref;

\echo eSIMs
SELECT source, esim_ref, plan_status AS plan, profile_status AS profile,
       pg_size_pretty(used_bytes) || ' of ' || pg_size_pretty(total_bytes) AS used,
       to_char(expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') AS "expires (UTC)", activation_code
FROM esims
WHERE updated_at >= :'since'
ORDER BY source, created_at, esim_ref;

\echo Payments
SELECT source, payment_ref, direction, status, amount, code, payer_email, failure_reason
FROM payments
WHERE updated_at >= :'since'
ORDER BY source, created_at, payment_ref;

\echo Returns
SELECT source, return_ref, order_ref, status, return_type AS type, refund_amount AS refund, reason, mode
FROM returns
WHERE updated_at >= :'since'
ORDER BY source, created_at, return_ref;

\echo Actions: what was promised, and its deliveries
SELECT actions.source, actions.kind, actions.audience, actions.mode,
       coalesce(actions.esim_ref, actions.order_ref, actions.payload ->> 'payment_ref', actions.payload ->> 'message') AS about,
       string_agg(deliveries.channel || ': ' || deliveries.status, ', ' ORDER BY deliveries.channel) AS deliveries
FROM actions
LEFT JOIN deliveries ON deliveries.action_id = actions.id
WHERE actions.caused_by = ANY (:'ids'::uuid[])
GROUP BY actions.id
ORDER BY actions.source, actions.created_at, actions.kind;

SELECT count(*) > 0 AS any_dead FROM dead_letters WHERE id = ANY (:'ids'::uuid[]) \gset
\if :any_dead
\echo Dead letters: what could not be applied
SELECT source, reason, detail FROM dead_letters WHERE id = ANY (:'ids'::uuid[]) ORDER BY received_at;
\endif
