UPDATE deliveries
SET status = 'pending', next_attempt_at = now()
FROM actions
WHERE
    deliveries.status = 'waiting_confirmation'
    AND actions.id = deliveries.action_id
    AND (
        actions.source <> ALL($1)
        OR (
            NOT EXISTS (
                SELECT FROM esims
                WHERE
                    esims.source = actions.source
                    AND esims.esim_ref = actions.premise #>> '{about,subject,ref}'
                    AND actions.premise #>> '{about,subject,entity}' = 'esim'
                    AND esims.confirmation = 'unconfirmed'
            )
            AND NOT EXISTS (
                SELECT FROM payments
                WHERE
                    payments.source = actions.source
                    AND payments.payment_ref = actions.premise #>> '{about,subject,ref}'
                    AND actions.premise #>> '{about,subject,entity}' = 'payment'
                    AND payments.confirmation = 'unconfirmed'
            )
            AND NOT EXISTS (
                SELECT FROM orders
                WHERE
                    orders.source = actions.source
                    AND orders.order_ref = actions.premise #>> '{about,subject,ref}'
                    AND actions.premise #>> '{about,subject,entity}' = 'order'
                    AND orders.confirmation = 'unconfirmed'
            )
        )
    )
