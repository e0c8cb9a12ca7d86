SELECT
    contacts.source,
    contacts.order_ref,
    contacts.created_at,
    (SELECT events.provider FROM events WHERE events.source = contacts.source LIMIT 1) AS provider
FROM contacts
LEFT JOIN orders ON orders.source = contacts.source AND orders.order_ref = contacts.order_ref
LEFT JOIN actions
    ON actions.source = contacts.source AND actions.action_key = 'provider_silent:' || contacts.order_ref
WHERE
    contacts.created_at < $1
    AND orders.provider_status IS NULL
    AND actions.id IS NULL
    -- Who tells of payments has no orders; a payment is made when its payer likes.
    AND NOT EXISTS (SELECT FROM payments WHERE payments.source = contacts.source)
ORDER BY contacts.created_at
LIMIT $2
