WITH marked AS (
    UPDATE deliveries
    SET
        status = mark.status,
        -- What was not handed over was no attempt.
        attempts = deliveries.attempts - CASE WHEN mark.result IN ('sent', 'failed') THEN 0 ELSE 1 END,
        next_attempt_at = COALESCE(mark.next_attempt_at, deliveries.next_attempt_at),
        lease_until = NULL,
        last_error = mark.last_error,
        sent_at = CASE mark.status WHEN 'sent' THEN now() END
    FROM UNNEST($2::uuid[], $3::timestamptz[], $4::text[], $5::timestamptz[], $6::text[], $7::text[])
        AS mark (action_id, lease_until, status, next_attempt_at, last_error, result)
    WHERE
        deliveries.channel = $1
        AND deliveries.action_id = mark.action_id
        AND deliveries.status = 'sending'
        AND deliveries.lease_until = mark.lease_until
    RETURNING deliveries.action_id, deliveries.channel, mark.result, mark.last_error
)

INSERT INTO attempts (action_id, channel, result, error)
SELECT action_id, channel, result, last_error
FROM marked
