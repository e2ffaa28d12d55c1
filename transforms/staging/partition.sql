-- purpose: the current rows of one partition after a delivery
-- grain: one row per key
-- keys: scope, record_key
-- inputs: partition_arrivals(*), partition_held(*), outcomes(scope, record_key, source_file,
--   source_row, outcome), run_context(delivery)
-- policy: none
-- rules: inputs.md, revisions
WITH kept AS (
    SELECT held.* EXCLUDE (content)
    FROM partition_held AS held
    ANTI JOIN (SELECT scope, record_key FROM outcomes WHERE outcome = 'accepted') AS won
        USING (scope, record_key)
),

arrived AS (
    SELECT
        arrival.* EXCLUDE (content, source_file, source_row),
        -- a join with the one row would slow millions of others down
        (SELECT run_context.delivery FROM run_context) AS delivery
    FROM partition_arrivals AS arrival
    ANTI JOIN (SELECT source_file, source_row FROM outcomes WHERE outcome <> 'accepted') AS lost
        USING (source_file, source_row)
)

SELECT * FROM kept
UNION ALL
SELECT * FROM arrived
ORDER BY owner_id, record_key
