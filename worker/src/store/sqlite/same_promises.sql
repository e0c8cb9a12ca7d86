-- One arm for each index by which an action can be found; those about a payment or a return without an order have none.
SELECT wanted.value ->> 'id' AS id
FROM json_each(?1) AS wanted
WHERE
    EXISTS (
        SELECT 1
        FROM actions
        WHERE
            source = wanted.value ->> 'source' AND esim_ref = wanted.value ->> 'esim_ref'
            AND kind = wanted.value ->> 'kind' AND premise = wanted.value -> 'premise'
    )
    OR EXISTS (
        SELECT 1
        FROM actions
        WHERE
            source = wanted.value ->> 'source' AND order_ref = wanted.value ->> 'order_ref'
            AND kind = wanted.value ->> 'kind' AND premise = wanted.value -> 'premise'
    )
    OR (
        wanted.value ->> 'esim_ref' IS NULL
        AND wanted.value ->> 'order_ref' IS NULL
        AND EXISTS (
            SELECT 1
            FROM actions
            WHERE
                source = wanted.value ->> 'source' AND kind = wanted.value ->> 'kind'
                AND premise = wanted.value -> 'premise'
        )
    )
