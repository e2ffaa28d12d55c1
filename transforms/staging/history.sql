-- purpose: the replaced rows of one partition: those of before, and those that a delivery replaces
-- grain: one row per replaced row
-- keys: scope, record_key, delivery
-- inputs: partition_history(*), partition_held(*), outcomes(scope, record_key, outcome),
--   run_context(delivery)
-- policy: none
-- rules: D2
WITH replaced AS (
    SELECT
        held.* EXCLUDE (content),
        run_context.delivery AS replaced_by
    FROM partition_held AS held
    SEMI JOIN (SELECT scope, record_key FROM outcomes WHERE outcome = 'accepted') AS won
        USING (scope, record_key)
    CROSS JOIN run_context
)

SELECT * EXCLUDE (content) FROM partition_history
UNION ALL
SELECT * FROM replaced
ORDER BY owner_id, record_key, delivery
