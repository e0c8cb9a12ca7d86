UPDATE deliveries
SET status = 'pending', next_attempt_at = now()
FROM recipients
WHERE deliveries.action_id = recipients.action_id AND deliveries.status = 'waiting_contact'
