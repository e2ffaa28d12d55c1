-- purpose: the rows of one partition that were current once a delivery had come: those that it or an
--   earlier one brought and none up to it replaced
-- grain: one row per key
-- keys: scope, record_key
-- inputs: current_now(*), replaced_now(*), withdrawn_now(*),
--   known(scope, record_key, record_revision, delivery), run_context(delivery)
-- policy: none
-- rules: D2
WITH
-- a withdrawn row does not say what replaced it before: a higher revision did, if one had come
withdrawn_since AS (
    SELECT withdrawn.* EXCLUDE (content)
    FROM withdrawn_now AS withdrawn
    CROSS JOIN run_context
    WHERE withdrawn.delivery <= run_context.delivery
        AND withdrawn.replaced_by > run_context.delivery
        AND NOT EXISTS (
            SELECT 1
            FROM known
            WHERE known.scope = withdrawn.scope
                AND known.record_key = withdrawn.record_key
                AND known.record_revision > withdrawn.record_revision
                AND known.delivery <= run_context.delivery
        )
),

rows_then AS (
    SELECT current_now.* EXCLUDE (content)
    FROM current_now
    CROSS JOIN run_context
    WHERE current_now.delivery <= run_context.delivery
    UNION ALL
    SELECT replaced_now.* EXCLUDE (content, replaced_by)
    FROM replaced_now
    CROSS JOIN run_context
    WHERE replaced_now.delivery <= run_context.delivery
        AND replaced_now.replaced_by > run_context.delivery
    UNION ALL
    SELECT * EXCLUDE (replaced_by) FROM withdrawn_since
)

SELECT *
FROM rows_then
ORDER BY owner_id, record_key
