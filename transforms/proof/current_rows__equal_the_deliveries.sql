-- purpose: What each delivery's manifest says was accepted of an export is staged still: as
--   a current row, or among those that a later delivery replaced
-- grain: one row per delivery of which that is not so; none where the claim holds
-- keys: delivery
-- inputs: current_rows(delivery, first_total, second_total),
--   replaced_rows(delivery, replaced_by, first_total, second_total),
--   delivered_rows(delivery, accepted, first_total, second_total)
-- policy: none
-- rules: Q3
WITH kept AS (
    SELECT
        current_rows.delivery,
        current_rows.first_total,
        current_rows.second_total
    FROM current_rows
    UNION ALL
    SELECT
        replaced_rows.delivery,
        replaced_rows.first_total,
        replaced_rows.second_total
    FROM replaced_rows
    -- what was older than a row of before or of the same delivery was never accepted
    WHERE replaced_rows.replaced_by > replaced_rows.delivery
),

staged AS (
    SELECT
        kept.delivery,
        COUNT(*) AS staged_count,
        SUM(kept.first_total) AS first_total,
        SUM(kept.second_total) AS second_total
    FROM kept
    GROUP BY kept.delivery
)

SELECT
    CAST(COALESCE(delivered_rows.delivery, staged.delivery) AS BIGINT) AS delivery,
    CAST(delivered_rows.accepted AS BIGINT) AS accepted,
    CAST(staged.staged_count AS BIGINT) AS staged,
    CAST(delivered_rows.first_total AS DECIMAL(38, 0)) AS accepted_first_total,
    CAST(staged.first_total AS DECIMAL(38, 0)) AS staged_first_total,
    CAST(delivered_rows.second_total AS DECIMAL(38, 0)) AS accepted_second_total,
    CAST(staged.second_total AS DECIMAL(38, 0)) AS staged_second_total
FROM delivered_rows
FULL JOIN staged ON delivered_rows.delivery = staged.delivery
WHERE COALESCE(delivered_rows.accepted, 0) <> COALESCE(staged.staged_count, 0)
    OR COALESCE(delivered_rows.first_total, 0) <> COALESCE(staged.first_total, 0)
    OR COALESCE(delivered_rows.second_total, 0) <> COALESCE(staged.second_total, 0)
ORDER BY delivery
