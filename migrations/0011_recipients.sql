-- Whom each action is for, as far as it is known: the one place that says how an action finds its contact. An eSIM finds
-- its order as it stands now, which may be better known than when the action was promised; a payment has no order, and
-- is known by its reference or its code.
CREATE VIEW recipients AS
SELECT
    actions.id AS action_id,
    contacts.email,
    contacts.name,
    contacts.locale,
    contacts.time_zone,
    contacts.reference,
    -- Should a payment be registered under both of its names, the reference counts.
    contacts.order_ref = actions.payload ->> 'payment_ref' AS is_by_payment_ref
FROM actions
LEFT JOIN esims ON esims.source = actions.source AND esims.esim_ref = actions.esim_ref
INNER JOIN contacts
    ON
        contacts.source = actions.source
        AND contacts.order_ref IN (
            COALESCE(esims.order_ref, actions.order_ref), actions.payload ->> 'payment_ref', actions.payload ->> 'code'
        );
