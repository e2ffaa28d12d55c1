-- purpose: the keys that a delivery brings more than once, or that a staged row already has
-- grain: one row per contested key
-- keys: scope, record_key
-- inputs: arrivals(scope, record_key), held(scope, record_key)
-- policy: none
-- rules: inputs.md, what ingest does with a bad row
WITH arrived AS (
    SELECT scope, record_key, COUNT(*) AS rows_arrived
    FROM arrivals
    GROUP BY scope, record_key
)

SELECT arrived.scope, arrived.record_key
FROM arrived
WHERE
    arrived.rows_arrived > 1
    OR EXISTS (
        SELECT 1
        FROM held
        WHERE held.scope = arrived.scope AND held.record_key = arrived.record_key
    )
