SELECT
    registrations.source,
    registrations.order_ref,
    registrations.created_at,
    (SELECT events.provider FROM events WHERE events.source = registrations.source LIMIT 1) AS provider
FROM registrations
LEFT JOIN orders ON orders.source = registrations.source AND orders.order_ref = registrations.order_ref
LEFT JOIN actions
    ON actions.source = registrations.source AND actions.action_key = 'provider_silent:' || registrations.order_ref
WHERE
    registrations.created_at < $1
    AND orders.provider_status IS NULL
    AND actions.id IS NULL
    -- Who tells of payments has no orders; a payment is made when its payer likes.
    AND NOT EXISTS (SELECT FROM payments WHERE payments.source = registrations.source)
ORDER BY registrations.created_at
LIMIT $2
