-- purpose: What a scenario costs in miles: what moves miles in its months, and what is left at the
--   end of the last, each against what is published
-- grain: one row per measure that either side has
-- keys: measure
-- inputs: published_mileage_movements(movement, miles), scenario_mileage_movements(movement, miles),
--   published_mileage_lots(month, remaining), scenario_mileage_lots(month, remaining),
--   run_context(last_period)
-- policy: none
-- rules: P11, F4
WITH amounts AS (
    SELECT
        published_mileage_movements.movement AS measure,
        published_mileage_movements.miles AS before,
        0 AS after
    FROM published_mileage_movements
    UNION ALL
    SELECT
        scenario_mileage_movements.movement AS measure,
        0 AS before,
        scenario_mileage_movements.miles AS after
    FROM scenario_mileage_movements
    UNION ALL
    SELECT 'closing' AS measure, published_mileage_lots.remaining AS before, 0 AS after
    FROM published_mileage_lots
    CROSS JOIN run_context
    WHERE published_mileage_lots.month = run_context.last_period
    UNION ALL
    SELECT 'closing' AS measure, 0 AS before, scenario_mileage_lots.remaining AS after
    FROM scenario_mileage_lots
    CROSS JOIN run_context
    WHERE scenario_mileage_lots.month = run_context.last_period
)

SELECT
    CAST(amounts.measure AS VARCHAR) AS measure,
    CAST(SUM(amounts.before) AS BIGINT) AS published,
    CAST(SUM(amounts.after) AS BIGINT) AS scenario,
    CAST(SUM(amounts.after) - SUM(amounts.before) AS BIGINT) AS difference
FROM amounts
GROUP BY amounts.measure
ORDER BY measure
