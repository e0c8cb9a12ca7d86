UPDATE deliveries
SET
    status = mark.status,
    next_attempt_at = COALESCE(mark.next_attempt_at, deliveries.next_attempt_at),
    lease_until = NULL,
    last_error = mark.last_error,
    sent_at = CASE mark.status WHEN 'sent' THEN now() END
FROM UNNEST($2::uuid[], $3::timestamptz[], $4::text[], $5::timestamptz[], $6::text[])
    AS mark (action_id, lease_until, status, next_attempt_at, last_error)
WHERE
    deliveries.channel = $1
    AND deliveries.action_id = mark.action_id
    AND deliveries.status = 'sending'
    AND deliveries.lease_until = mark.lease_until
