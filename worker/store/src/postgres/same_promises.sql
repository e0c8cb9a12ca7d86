-- One arm for each index by which an action can be found; those about a payment or a return without an order have none.
SELECT wanted.id AS "id!"
FROM JSON_POPULATE_RECORDSET(NULL::actions, $1::json) AS wanted
WHERE
    EXISTS (
        SELECT FROM actions
        WHERE
            actions.source = wanted.source AND actions.esim_ref = wanted.esim_ref
            AND actions.kind = wanted.kind AND actions.premise = wanted.premise
    )
    OR EXISTS (
        SELECT FROM actions
        WHERE
            actions.source = wanted.source AND actions.order_ref = wanted.order_ref
            AND actions.kind = wanted.kind AND actions.premise = wanted.premise
    )
    OR (
        wanted.esim_ref IS NULL AND wanted.order_ref IS NULL AND EXISTS (
            SELECT FROM actions
            WHERE
                actions.source = wanted.source AND actions.kind = wanted.kind AND actions.premise = wanted.premise
        )
    )
