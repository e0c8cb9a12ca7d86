-- What may say the same as a promise, by its place among those that are wanted. One arm for each index by which an action
-- can be found; those about a payment or a return without an order have none.
WITH wanted AS (
    SELECT
        key AS place,
        value ->> 'source' AS source,
        value ->> 'kind' AS kind,
        value ->> 'esim_ref' AS esim_ref,
        value ->> 'order_ref' AS order_ref
    FROM json_each(?1)
)

SELECT wanted.place, actions.premise
FROM wanted
INNER JOIN actions
    ON actions.source = wanted.source AND actions.esim_ref = wanted.esim_ref AND actions.kind = wanted.kind
UNION ALL
SELECT wanted.place, actions.premise
FROM wanted
INNER JOIN actions
    ON actions.source = wanted.source AND actions.order_ref = wanted.order_ref AND actions.kind = wanted.kind
UNION ALL
SELECT wanted.place, actions.premise
FROM wanted
INNER JOIN actions ON actions.source = wanted.source AND actions.kind = wanted.kind
WHERE wanted.esim_ref IS NULL AND wanted.order_ref IS NULL
