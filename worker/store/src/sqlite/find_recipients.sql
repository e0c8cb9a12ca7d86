SELECT action_id, email, name, locale, time_zone, reference
FROM (
    SELECT
        *,
        row_number() OVER (PARTITION BY action_id ORDER BY is_by_payment_ref DESC) AS place
    FROM recipients
    WHERE action_id IN (SELECT value FROM json_each(?1))
)
WHERE place = 1
