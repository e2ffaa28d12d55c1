-- purpose: the rows of one partition that were current once a delivery had come: those that it or an
--   earlier one brought, and none up to it replaced or withdrew
-- grain: one row per key
-- keys: scope, record_key
-- inputs: current_now(*), replaced_now(*), withdrawn_now(*), run_context(delivery)
-- policy: none
-- rules: D2
WITH gone_since AS (
    SELECT * FROM replaced_now
    UNION ALL
    SELECT * FROM withdrawn_now
),

rows_then AS (
    SELECT current_now.* EXCLUDE (content)
    FROM current_now
    CROSS JOIN run_context
    WHERE current_now.delivery <= run_context.delivery
    UNION ALL
    SELECT gone_since.* EXCLUDE (content, replaced_by)
    FROM gone_since
    CROSS JOIN run_context
    WHERE gone_since.delivery <= run_context.delivery
        AND gone_since.replaced_by > run_context.delivery
)

SELECT *
FROM rows_then
ORDER BY owner_id, record_key
