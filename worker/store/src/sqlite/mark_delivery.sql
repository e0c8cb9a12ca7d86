UPDATE deliveries
SET
    status = ?4,
    -- What was not handed over was no attempt.
    attempts = attempts - CASE WHEN ?7 IN ('sent', 'failed') THEN 0 ELSE 1 END,
    next_attempt_at = coalesce(?5, next_attempt_at),
    lease_until = NULL,
    last_error = ?6,
    sent_at = CASE ?4 WHEN 'sent' THEN ?8 END
WHERE channel = ?1 AND action_id = ?2 AND status = 'sending' AND lease_until = ?3
