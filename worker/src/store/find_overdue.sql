SELECT registrations.source, registrations.order_ref, registrations.description
FROM registrations
LEFT JOIN orders
    ON orders.source = registrations.source AND orders.order_ref = registrations.order_ref
LEFT JOIN fetch_tasks AS task
    ON
        task.source = registrations.source
        AND task.question = 'order'
        AND task.reference = registrations.order_ref
WHERE
    registrations.source = ANY($1)
    AND registrations.created_at < $2
    AND (orders.status IS NULL OR orders.status NOT IN ('completed', 'failed', 'cancelled'))
    -- It was asked for already, or for another reason that has ended.
    AND (task.source IS NULL OR (task.status = 'done' AND task.reason <> 'overdue'))
ORDER BY registrations.created_at
LIMIT $3
