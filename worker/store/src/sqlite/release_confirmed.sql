UPDATE deliveries
SET status = 'pending', next_attempt_at = ?2
FROM actions
WHERE
    deliveries.status = 'waiting_confirmation'
    AND actions.id = deliveries.action_id
    AND (
        actions.source NOT IN (SELECT value FROM json_each(?1))
        OR NOT EXISTS (
            SELECT 1
            FROM (
                SELECT 'order' AS entity, source, order_ref AS ref, confirmation FROM orders
                UNION ALL
                SELECT 'esim' AS entity, source, esim_ref AS ref, confirmation FROM esims
                UNION ALL
                SELECT 'payment' AS entity, source, payment_ref AS ref, confirmation FROM payments
            ) AS subject
            WHERE
                subject.source = actions.source
                AND subject.entity = actions.premise ->> '$.about.subject.entity'
                AND subject.ref = actions.premise ->> '$.about.subject.ref'
                AND subject.confirmation = 'unconfirmed'
        )
    )
