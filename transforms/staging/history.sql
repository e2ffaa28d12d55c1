-- purpose: the replaced rows of one partition: those of before, those that a delivery replaces, and
--   those that it brings though they were replaced before it (their two deliveries are one)
-- grain: one row per replaced row
-- keys: scope, record_key, record_revision
-- inputs: partition_history(*), partition_held(*), older(*),
--   outcomes(scope, record_key, outcome), run_context(delivery)
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
),

late AS (
    SELECT
        older.* EXCLUDE (content, source_file, source_row),
        run_context.delivery,
        run_context.delivery AS replaced_by
    FROM older
    ANTI JOIN partition_history USING (scope, record_key, record_revision)
    CROSS JOIN run_context
)

SELECT * EXCLUDE (content) FROM partition_history
UNION ALL
SELECT * FROM replaced
UNION ALL
SELECT * FROM late
ORDER BY owner_id, record_key, delivery, record_revision
