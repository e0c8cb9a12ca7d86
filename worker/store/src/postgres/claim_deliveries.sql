WITH due AS (
    SELECT action_id, channel
    FROM deliveries
    WHERE channel = $1 AND status IN ('pending', 'sending') AND next_attempt_at <= now()
    ORDER BY next_attempt_at
    LIMIT $2
    -- Another relay's row is not waited for but left to it.
    FOR UPDATE SKIP LOCKED
),

claimed AS (
    UPDATE deliveries
    SET status = 'sending', attempts = attempts + 1, next_attempt_at = now() + $3, lease_until = now() + $3
    FROM due
    WHERE deliveries.action_id = due.action_id AND deliveries.channel = due.channel
    RETURNING deliveries.action_id, deliveries.channel, deliveries.attempts, deliveries.lease_until
)

SELECT
    claimed.action_id AS "action_id!",
    claimed.channel AS "channel!",
    claimed.attempts AS "attempts!",
    claimed.lease_until AS "lease_until!",
    actions.source,
    actions.kind,
    actions.audience,
    actions.mode,
    actions.order_ref,
    actions.esim_ref,
    actions.payload,
    actions.premise AS "premise: _",
    actions.traceparent,
    actions.created_at
FROM claimed
INNER JOIN actions ON actions.id = claimed.action_id
