UPDATE fetch_tasks
SET
    status = CASE WHEN is_wanted_again OR ?7 IS NOT NULL THEN 'pending' ELSE ?6 END,
    -- Whoever wants it again is not made to wait for the next poll.
    next_attempt_at = CASE
        WHEN is_wanted_again THEN min(coalesce(?7, ?8), ?8)
        ELSE coalesce(?7, next_attempt_at)
    END,
    lease_until = NULL,
    is_wanted_again = 0,
    reason = CASE WHEN is_wanted_again THEN reason ELSE ?5 END,
    asked = CASE WHEN is_wanted_again THEN 0 ELSE ?9 END,
    failures = ?10,
    last_error = ?11,
    answer_hash = coalesce(?12, answer_hash),
    answered_at = CASE WHEN ?12 IS NULL THEN answered_at ELSE ?13 END
WHERE source = ?1 AND question = ?2 AND reference = ?3 AND status = 'asking' AND lease_until = ?4
