-- purpose: the rows of one partition that had been replaced once a delivery had come
-- grain: one row per replaced row
-- keys: scope, record_key, record_revision
-- inputs: replaced_now(*), withdrawn_now(*),
--   known(scope, record_key, record_revision, delivery), run_context(delivery)
-- policy: none
-- rules: D2
WITH
-- by the first higher revision; one that had come before it was never current
replacing AS (
    SELECT
        withdrawn.scope,
        withdrawn.record_key,
        withdrawn.record_revision,
        withdrawn.delivery,
        GREATEST(withdrawn.delivery, MIN(known.delivery)) AS replaced_by
    FROM withdrawn_now AS withdrawn
    INNER JOIN known
        ON
            withdrawn.scope = known.scope
            AND withdrawn.record_key = known.record_key
            AND known.record_revision > withdrawn.record_revision
    GROUP BY
        withdrawn.scope,
        withdrawn.record_key,
        withdrawn.record_revision,
        withdrawn.delivery
),

withdrawn_since AS (
    SELECT
        withdrawn.* EXCLUDE (content, replaced_by),
        replacing.replaced_by
    FROM withdrawn_now AS withdrawn
    INNER JOIN replacing USING (scope, record_key, record_revision, delivery)
    CROSS JOIN run_context
    WHERE withdrawn.replaced_by > run_context.delivery
),

rows_then AS (
    SELECT replaced_now.* EXCLUDE (content) FROM replaced_now
    UNION ALL
    SELECT * FROM withdrawn_since
)

SELECT rows_then.*
FROM rows_then
CROSS JOIN run_context
WHERE rows_then.delivery <= run_context.delivery
    AND rows_then.replaced_by <= run_context.delivery
ORDER BY owner_id, record_key, delivery, record_revision
