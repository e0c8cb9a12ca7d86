INSERT INTO fetch_tasks AS task (source, question, reference, lookup, reason, next_attempt_at)
SELECT source, question, reference, lookup, reason, due_at
FROM (
    SELECT
        value ->> 'source' AS source,
        value ->> 'question' AS question,
        value ->> 'reference' AS reference,
        value -> 'lookup' AS lookup,
        value ->> 'reason' AS reason,
        value ->> 'due_at' AS due_at,
        row_number() OVER (
            PARTITION BY value ->> 'source', value ->> 'question', value ->> 'reference' ORDER BY value ->> 'due_at'
        ) AS place
    FROM json_each(?1)
)
WHERE place = 1
ON CONFLICT (source, question, reference) DO UPDATE SET
    -- What the shop said once is not forgotten because a webhook says less.
    lookup = json_set(
        excluded.lookup,
        '$.hints',
        json_patch(coalesce(task.lookup -> 'hints', '{}'), coalesce(excluded.lookup -> 'hints', '{}'))
    ),
    -- What is urgent stays what it is; a poll gives way to anything.
    reason = CASE
        WHEN task.status IN ('pending', 'asking') AND task.reason <> 'poll' THEN task.reason
        ELSE excluded.reason
    END,
    asked = CASE WHEN task.status IN ('pending', 'asking') AND task.reason <> 'poll' THEN task.asked ELSE 0 END,
    status = CASE task.status WHEN 'asking' THEN 'asking' ELSE 'pending' END,
    is_wanted_again = task.status = 'asking',
    next_attempt_at = CASE
        WHEN task.status = 'asking' THEN task.next_attempt_at
        WHEN task.status = 'pending' THEN min(task.next_attempt_at, excluded.next_attempt_at)
        ELSE excluded.next_attempt_at
    END,
    last_error = CASE task.status WHEN 'failed' THEN NULL ELSE task.last_error END
