SELECT wanted.id AS "id!"
FROM JSON_POPULATE_RECORDSET(NULL::actions, $1::json) AS wanted
WHERE NOT EXISTS (
    SELECT FROM actions
    WHERE actions.source = wanted.source AND actions.action_key = wanted.action_key
)
