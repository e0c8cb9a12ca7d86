UPDATE deliveries
SET status = 'sending', attempts = attempts + 1, next_attempt_at = ?4, lease_until = ?4
WHERE
    channel = ?1
    AND action_id IN (
        SELECT action_id
        FROM deliveries
        WHERE channel = ?1 AND status IN ('pending', 'sending') AND next_attempt_at <= ?3
        ORDER BY next_attempt_at
        LIMIT ?2
    )
RETURNING action_id
