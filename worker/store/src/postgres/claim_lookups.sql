WITH due AS (
    SELECT source, question, reference
    FROM fetch_tasks
    WHERE source = ANY($1) AND status IN ('pending', 'asking') AND next_attempt_at <= now()
    ORDER BY next_attempt_at
    LIMIT $2
    -- Another worker's row is not waited for but left to it.
    FOR UPDATE SKIP LOCKED
)

UPDATE fetch_tasks AS task
SET status = 'asking', next_attempt_at = now() + $3, lease_until = now() + $3, is_wanted_again = false
FROM due
WHERE task.source = due.source AND task.question = due.question AND task.reference = due.reference
RETURNING
    task.source,
    task.question,
    task.reference,
    task.lookup AS "lookup: _",
    task.reason,
    task.asked,
    task.failures,
    task.answer_hash,
    task.lease_until AS "lease_until!"
