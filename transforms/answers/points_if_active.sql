-- purpose: What the sweep took since nothing happened all year
-- grain: one row, none where it took nothing for that
-- keys: none
-- inputs: points_entries(points, occurred_at, cause)
-- policy: none
-- rules: P9
WITH taken AS (
    SELECT
        SUM(points_entries.points) AS points,
        MAX(CAST(points_entries.occurred_at AS DATE)) AS swept_on
    FROM points_entries
    WHERE points_entries.cause = 'inactivity'
)

SELECT
    CAST(-taken.points AS BIGINT) AS points,
    CAST(taken.swept_on AS DATE) AS swept_on
FROM taken
WHERE taken.points IS NOT NULL
