-- purpose: Who moves up and down, and who gains and loses how much, in all and by tier, tenure and
--   fee as published; mean and median are of those who gain or lose, rounded down
-- grain: one row per way to divide the owners, and part of it; owners of no part have null
-- keys: divided_by, place, part
-- inputs: scenario_owners(level_published, level, fee_band, tenure_from, tenure_band,
--   amount_published, amount), scenario_levels(level, place)
-- policy: none
-- rules: T4, T9, G1, E3
WITH effects AS (
    SELECT
        scenario_owners.level_published,
        before.place AS level_place,
        scenario_owners.fee_band,
        scenario_owners.tenure_from,
        scenario_owners.tenure_band,
        CASE
            WHEN scenario_owners.level_published IS NULL AND scenario_owners.level IS NULL
                THEN NULL
            WHEN scenario_owners.level_published IS NULL THEN 'came'
            WHEN scenario_owners.level IS NULL THEN 'left'
            WHEN after.place > before.place THEN 'up'
            WHEN after.place < before.place THEN 'down'
            ELSE 'same'
        END AS moved,
        scenario_owners.amount - scenario_owners.amount_published AS change
    FROM scenario_owners
    LEFT JOIN scenario_levels AS before ON scenario_owners.level_published = before.level
    LEFT JOIN scenario_levels AS after ON scenario_owners.level = after.level
),

divided AS (
    SELECT
        'all' AS divided_by,
        0 AS place,
        CAST(NULL AS VARCHAR) AS part,
        effects.moved,
        effects.change
    FROM effects
    UNION ALL
    SELECT
        'level' AS divided_by,
        effects.level_place AS place,
        effects.level_published AS part,
        effects.moved,
        effects.change
    FROM effects
    UNION ALL
    SELECT
        'tenure' AS divided_by,
        effects.tenure_from AS place,
        effects.tenure_band AS part,
        effects.moved,
        effects.change
    FROM effects
    UNION ALL
    SELECT
        'fee' AS divided_by,
        effects.fee_band AS place,
        CAST(effects.fee_band AS VARCHAR) AS part,
        effects.moved,
        effects.change
    FROM effects
),

totals AS (
    SELECT
        divided.divided_by,
        divided.place,
        divided.part,
        COUNT(*) FILTER (WHERE divided.moved = 'up') AS up,
        COUNT(*) FILTER (WHERE divided.moved = 'down') AS down,
        COUNT(*) FILTER (WHERE divided.moved = 'came') AS came,
        COUNT(*) FILTER (WHERE divided.moved = 'left') AS gone,
        COUNT(*) FILTER (WHERE divided.change > 0) AS gain,
        COUNT(*) FILTER (WHERE divided.change < 0) AS lose,
        COUNT(*) FILTER (WHERE divided.change = 0) AS keep,
        COALESCE(SUM(divided.change) FILTER (WHERE divided.change > 0), 0) AS gained,
        COALESCE(SUM(divided.change) FILTER (WHERE divided.change < 0), 0) AS lost,
        COALESCE(SUM(divided.change), 0) AS total,
        COUNT(*) FILTER (WHERE divided.change <> 0) AS changed,
        MEDIAN(divided.change) FILTER (WHERE divided.change <> 0) AS median,
        MAX(divided.change) FILTER (WHERE divided.change > 0) AS largest_gain,
        MIN(divided.change) FILTER (WHERE divided.change < 0) AS largest_loss
    FROM divided
    GROUP BY divided.divided_by, divided.place, divided.part
)

SELECT
    CAST(totals.divided_by AS VARCHAR) AS divided_by,
    CAST(totals.place AS BIGINT) AS place,
    CAST(totals.part AS VARCHAR) AS part,
    CAST(totals.up AS BIGINT) AS up,
    CAST(totals.down AS BIGINT) AS down,
    CAST(totals.came AS BIGINT) AS came,
    CAST(totals.gone AS BIGINT) AS gone,
    CAST(totals.gain AS BIGINT) AS gain,
    CAST(totals.lose AS BIGINT) AS lose,
    CAST(totals.keep AS BIGINT) AS keep,
    CAST(totals.gained AS BIGINT) AS gained,
    CAST(totals.lost AS BIGINT) AS lost,
    CAST(totals.total AS BIGINT) AS total,
    CAST(
        FLOOR(CAST(totals.total AS DOUBLE) / NULLIF(totals.changed, 0)) AS BIGINT
    ) AS mean,
    CAST(FLOOR(totals.median) AS BIGINT) AS median,
    CAST(totals.largest_gain AS BIGINT) AS largest_gain,
    CAST(totals.largest_loss AS BIGINT) AS largest_loss
FROM totals
ORDER BY divided_by, place NULLS LAST, part
