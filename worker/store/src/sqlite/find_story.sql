WITH named AS (
    SELECT source, order_ref, esim_ref FROM esims WHERE iccid = ?1 OR esim_ref = ?1 OR order_ref = ?1
    UNION
    SELECT source, order_ref, NULL FROM orders WHERE order_ref = ?1
    UNION
    SELECT source, order_ref, NULL FROM returns WHERE return_ref = ?1 OR order_ref = ?1
),

-- An eSIM's order, and with it the order's other eSIMs.
things AS (
    SELECT named.source, named.order_ref, coalesce(esims.esim_ref, named.esim_ref) AS esim_ref
    FROM named
    LEFT JOIN esims ON esims.source = named.source AND esims.order_ref = named.order_ref
)

SELECT id, source, provider, mode, origin, event_key, received_at, content_type, traceparent, headers, body
FROM events
WHERE
    (source, order_ref) IN (SELECT source, order_ref FROM things)
    OR (source, esim_ref) IN (SELECT source, esim_ref FROM things)
    OR payment_ref IN (
        SELECT payment_ref FROM payments WHERE payments.source = events.source AND (payment_ref = ?1 OR code = ?1)
    )
ORDER BY received_at, id
