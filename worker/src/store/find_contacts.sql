-- Should a payment be registered under both of its names, the reference counts.
SELECT DISTINCT ON (actions.id)
    actions.id AS "id!",
    contacts.email AS "email!",
    contacts.name,
    contacts.locale,
    contacts.time_zone,
    contacts.reference
FROM actions
LEFT JOIN esims ON esims.source = actions.source AND esims.esim_ref = actions.esim_ref
INNER JOIN contacts
    ON contacts.source = actions.source
    AND contacts.order_ref IN (
        COALESCE(esims.order_ref, actions.order_ref), actions.payload ->> 'payment_ref', actions.payload ->> 'code'
    )
WHERE actions.id = ANY($1)
ORDER BY actions.id, contacts.order_ref = actions.payload ->> 'payment_ref' DESC
