-- {table} and {reference} stand for the names of one table of entities.
SELECT
    expected.source,
    expected.{reference} AS reference,
    fields.name,
    fields.stored,
    fields.refolded
FROM JSON_POPULATE_RECORDSET(NULL::{table}, $1::json) AS expected
LEFT JOIN {table} AS kept
    ON kept.source = expected.source AND kept.{reference} = expected.{reference}
LEFT JOIN LATERAL (
    SELECT
        refolded.key AS name,
        stored.value AS stored,
        refolded.value AS refolded
    FROM JSONB_EACH(TO_JSONB(expected)) AS refolded
    INNER JOIN JSONB_EACH(TO_JSONB(kept)) AS stored ON stored.key = refolded.key
    WHERE kept.* IS DISTINCT FROM expected.* AND stored.value <> refolded.value
) AS fields ON true
WHERE kept.source IS NULL OR fields.name IS NOT NULL
ORDER BY 1, 2, 3
