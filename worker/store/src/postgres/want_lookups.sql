INSERT INTO fetch_tasks AS task (source, question, reference, lookup, reason, next_attempt_at)
SELECT DISTINCT ON (source, question, reference)
    source,
    question,
    reference,
    lookup,
    reason,
    now() + after
FROM UNNEST($1::text[], $2::text[], $3::text[], $4::jsonb[], $5::text[], $6::interval[])
    AS want (source, question, reference, lookup, reason, after)
ORDER BY source, question, reference, after
ON CONFLICT (source, question, reference) DO UPDATE SET
    -- What the shop said once is not forgotten because a webhook says less.
    lookup = JSONB_SET(
        EXCLUDED.lookup,
        '{hints}',
        COALESCE(task.lookup -> 'hints', '{}') || COALESCE(EXCLUDED.lookup -> 'hints', '{}')
    ),
    -- What is urgent stays what it is; a poll gives way to anything.
    reason = CASE
        WHEN task.status IN ('pending', 'asking') AND task.reason <> 'poll' THEN task.reason
        ELSE EXCLUDED.reason
    END,
    asked = CASE WHEN task.status IN ('pending', 'asking') AND task.reason <> 'poll' THEN task.asked ELSE 0 END,
    status = CASE task.status WHEN 'asking' THEN 'asking' ELSE 'pending' END,
    is_wanted_again = task.status = 'asking',
    next_attempt_at = CASE
        WHEN task.status = 'asking' THEN task.next_attempt_at
        WHEN task.status = 'pending' THEN LEAST(task.next_attempt_at, EXCLUDED.next_attempt_at)
        ELSE EXCLUDED.next_attempt_at
    END,
    last_error = CASE task.status WHEN 'failed' THEN NULL ELSE task.last_error END
