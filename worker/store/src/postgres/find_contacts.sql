SELECT DISTINCT ON (action_id)
    action_id AS "id!",
    email AS "email!",
    name,
    locale,
    time_zone,
    reference
FROM recipients
WHERE action_id = ANY($1)
ORDER BY action_id, is_by_payment_ref DESC
