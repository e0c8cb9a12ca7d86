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
    registrations.source IN (SELECT value FROM json_each(?1))
    AND registrations.created_at < ?2
    AND (orders.status IS NULL OR orders.status NOT IN ('completed', 'failed', 'cancelled'))
    AND (
        task.source IS NULL
        -- It was asked about for another reason, which has ended.
        OR (task.status = 'done' AND task.reason <> 'overdue')
        -- It could not be asked about, and the shop has said more of it since.
        OR (
            task.status = 'failed'
            AND registrations.description <> coalesce(task.lookup ->> '$.hints.description', '')
        )
    )
ORDER BY registrations.created_at
LIMIT ?3
