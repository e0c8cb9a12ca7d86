UPDATE deliveries
SET status = 'pending', next_attempt_at = now()
FROM actions
LEFT JOIN esims ON esims.source = actions.source AND esims.esim_ref = actions.esim_ref
INNER JOIN contacts
    ON contacts.source = actions.source
    AND contacts.order_ref IN (
        COALESCE(esims.order_ref, actions.order_ref), actions.payload ->> 'payment_ref', actions.payload ->> 'code'
    )
WHERE deliveries.action_id = actions.id AND deliveries.status = 'waiting_contact'
