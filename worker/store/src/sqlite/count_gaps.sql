SELECT
    registrations.source,
    count(*) AS registered,
    count(*) FILTER (WHERE orders.status IN ('completed', 'failed', 'cancelled')) AS completed,
    count(registrations.repaired_at) AS repaired,
    max(registrations.repaired_at) AS last_repaired_at
FROM registrations
LEFT JOIN orders ON orders.source = registrations.source AND orders.order_ref = registrations.order_ref
-- Who tells of payments has no orders; what is registered there is whose a payment is.
WHERE NOT EXISTS (SELECT 1 FROM payments WHERE payments.source = registrations.source)
GROUP BY registrations.source
ORDER BY registrations.source
