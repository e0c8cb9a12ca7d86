UPDATE fetch_tasks
SET status = 'asking', next_attempt_at = ?4, lease_until = ?4, is_wanted_again = 0
WHERE
    (source, question, reference) IN (
        SELECT source, question, reference
        -- By itself SQLite would look at everything that was ever asked of a source.
        FROM fetch_tasks INDEXED BY fetch_tasks_due_idx
        WHERE
            source IN (SELECT value FROM json_each(?1))
            AND status IN ('pending', 'asking')
            AND next_attempt_at <= ?3
        ORDER BY next_attempt_at
        LIMIT ?2
    )
RETURNING source, question, reference, lookup, reason, asked, failures, answer_hash, lease_until
