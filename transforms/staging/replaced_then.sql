-- purpose: the rows of one partition that had been replaced once a delivery had come; those that were
--   withdrawn later say what replaced them, not when they were withdrawn, so whoever asks says
--   whether they are among them
-- grain: one row per replaced row
-- keys: scope, record_key, record_revision
-- inputs: replaced_now(*), withdrawn_now(*),
--   known(scope, record_key, record_revision, delivery), run_context(delivery, with_withdrawn)
-- policy: none
-- rules: D2
WITH rows_then AS (
    SELECT replaced_now.* EXCLUDE (content) FROM replaced_now
    UNION ALL
    SELECT withdrawn.* EXCLUDE (content)
    FROM withdrawn_now AS withdrawn
    CROSS JOIN run_context
    WHERE run_context.with_withdrawn
        AND (
            -- older than what was current when it came
            withdrawn.replaced_by = withdrawn.delivery
            OR EXISTS (
                SELECT 1
                FROM known
                WHERE known.scope = withdrawn.scope
                    AND known.record_key = withdrawn.record_key
                    AND known.record_revision > withdrawn.record_revision
                    AND known.delivery = withdrawn.replaced_by
            )
        )
)

SELECT rows_then.*
FROM rows_then
CROSS JOIN run_context
WHERE rows_then.delivery <= run_context.delivery
    AND rows_then.replaced_by <= run_context.delivery
ORDER BY owner_id, record_key, delivery, record_revision
