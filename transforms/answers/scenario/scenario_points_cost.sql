-- purpose: What a scenario costs in points: what the tiers give, what of it is granted, what moves
--   points in its months, and what is left at the end of the last, each against what is published
-- grain: one row per measure that either side has
-- keys: measure
-- inputs: published_tier_moves(points_after), scenario_tier_moves(points_after),
--   published_point_grants(points), scenario_point_grants(points),
--   published_point_movements(movement, points), scenario_point_movements(movement, points),
--   published_point_liability(period, points), scenario_point_liability(period, points),
--   run_context(last_period)
-- policy: none
-- rules: T9, G1, P11
WITH amounts AS (
    SELECT 'by_tier' AS measure, published_tier_moves.points_after AS before, 0 AS after
    FROM published_tier_moves
    UNION ALL
    SELECT 'by_tier' AS measure, 0 AS before, scenario_tier_moves.points_after AS after
    FROM scenario_tier_moves
    UNION ALL
    SELECT 'granted' AS measure, published_point_grants.points AS before, 0 AS after
    FROM published_point_grants
    UNION ALL
    SELECT 'granted' AS measure, 0 AS before, scenario_point_grants.points AS after
    FROM scenario_point_grants
    UNION ALL
    SELECT
        published_point_movements.movement AS measure,
        published_point_movements.points AS before,
        0 AS after
    FROM published_point_movements
    UNION ALL
    SELECT
        scenario_point_movements.movement AS measure,
        0 AS before,
        scenario_point_movements.points AS after
    FROM scenario_point_movements
    UNION ALL
    SELECT 'closing' AS measure, published_point_liability.points AS before, 0 AS after
    FROM published_point_liability
    CROSS JOIN run_context
    WHERE published_point_liability.period = run_context.last_period
    UNION ALL
    SELECT 'closing' AS measure, 0 AS before, scenario_point_liability.points AS after
    FROM scenario_point_liability
    CROSS JOIN run_context
    WHERE scenario_point_liability.period = run_context.last_period
)

SELECT
    CAST(amounts.measure AS VARCHAR) AS measure,
    CAST(SUM(amounts.before) AS BIGINT) AS published,
    CAST(SUM(amounts.after) AS BIGINT) AS scenario,
    CAST(SUM(amounts.after) - SUM(amounts.before) AS BIGINT) AS difference
FROM amounts
GROUP BY amounts.measure
ORDER BY measure
