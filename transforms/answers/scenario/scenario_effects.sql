-- purpose: Who moves up and down, and who gains and loses how much, in all and by tier, tenure and
--   fee as published; mean and median are of those who gain or lose, rounded down
-- grain: one row per way to divide the owners, and part of it; owners of no part have null
-- keys: divided_by, place, part
-- inputs: scenario_owners(level_published, level, fee_band, tenure_from, tenure_band, change,
--   owners), scenario_levels(level, place)
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
        scenario_owners.change,
        scenario_owners.owners
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
        effects.change,
        effects.owners
    FROM effects
    UNION ALL
    SELECT
        'level' AS divided_by,
        effects.level_place AS place,
        effects.level_published AS part,
        effects.moved,
        effects.change,
        effects.owners
    FROM effects
    UNION ALL
    SELECT
        'tenure' AS divided_by,
        effects.tenure_from AS place,
        effects.tenure_band AS part,
        effects.moved,
        effects.change,
        effects.owners
    FROM effects
    UNION ALL
    SELECT
        'fee' AS divided_by,
        effects.fee_band AS place,
        CAST(effects.fee_band AS VARCHAR) AS part,
        effects.moved,
        effects.change,
        effects.owners
    FROM effects
),

changed AS (
    SELECT
        divided.*,
        CASE WHEN divided.change <> 0 THEN divided.owners ELSE 0 END AS changed
    FROM divided
),

-- those who gain or lose, in the order of what they do, are numbered up to and in all
numbered AS (
    SELECT
        changed.*,
        SUM(changed.changed) OVER (
            PARTITION BY changed.divided_by, changed.place, changed.part
            ORDER BY changed.change
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS number,
        SUM(changed.changed) OVER (
            PARTITION BY changed.divided_by, changed.place, changed.part
        ) AS numbers
    FROM changed
),

-- the median is of the one in the middle, or of the two
middles AS (
    SELECT
        numbered.*,
        numbered.number >= (numbered.numbers + 1) // 2
        AND numbered.number - numbered.changed < (numbered.numbers + 1) // 2 AS is_lower,
        numbered.number >= numbered.numbers // 2 + 1
        AND numbered.number - numbered.changed < numbered.numbers // 2 + 1 AS is_upper
    FROM numbered
),

totals AS (
    SELECT
        middles.divided_by,
        middles.place,
        middles.part,
        COALESCE(SUM(middles.owners) FILTER (WHERE middles.moved = 'up'), 0) AS up,
        COALESCE(SUM(middles.owners) FILTER (WHERE middles.moved = 'down'), 0) AS down,
        COALESCE(SUM(middles.owners) FILTER (WHERE middles.moved = 'came'), 0) AS came,
        COALESCE(SUM(middles.owners) FILTER (WHERE middles.moved = 'left'), 0) AS gone,
        COALESCE(SUM(middles.owners) FILTER (WHERE middles.change > 0), 0) AS gain,
        COALESCE(SUM(middles.owners) FILTER (WHERE middles.change < 0), 0) AS lose,
        COALESCE(SUM(middles.owners) FILTER (WHERE middles.change = 0), 0) AS keep,
        COALESCE(SUM(middles.change * middles.owners) FILTER (WHERE middles.change > 0), 0)
            AS gained,
        COALESCE(SUM(middles.change * middles.owners) FILTER (WHERE middles.change < 0), 0) AS lost,
        SUM(middles.change * middles.owners) AS total,
        SUM(middles.changed) AS changed,
        MIN(middles.change) FILTER (WHERE middles.is_lower AND middles.changed > 0) AS lower_middle,
        MIN(middles.change) FILTER (WHERE middles.is_upper AND middles.changed > 0) AS upper_middle,
        MAX(middles.change) FILTER (WHERE middles.change > 0) AS largest_gain,
        MIN(middles.change) FILTER (WHERE middles.change < 0) AS largest_loss
    FROM middles
    GROUP BY middles.divided_by, middles.place, middles.part
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
    CAST(
        FLOOR(CAST(totals.lower_middle + totals.upper_middle AS DOUBLE) / 2) AS BIGINT
    ) AS median,
    CAST(totals.largest_gain AS BIGINT) AS largest_gain,
    CAST(totals.largest_loss AS BIGINT) AS largest_loss
FROM totals
ORDER BY divided_by, place NULLS LAST, part
