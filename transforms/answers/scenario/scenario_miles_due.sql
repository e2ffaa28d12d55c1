-- purpose: The miles left at the end of a scenario's last period, by when they lapse
-- grain: one row per month of expiry that either side has miles of; null: they do not expire
-- keys: expires_month
-- inputs: published_mileage_lots(month, expires_on, remaining),
--   scenario_mileage_lots(month, expires_on, remaining), run_context(last_period)
-- policy: none
-- rules: P11, F4
WITH amounts AS (
    SELECT
        published_mileage_lots.expires_on,
        published_mileage_lots.remaining AS before,
        0 AS after
    FROM published_mileage_lots
    CROSS JOIN run_context
    WHERE published_mileage_lots.month = run_context.last_period
    UNION ALL
    SELECT
        scenario_mileage_lots.expires_on,
        0 AS before,
        scenario_mileage_lots.remaining AS after
    FROM scenario_mileage_lots
    CROSS JOIN run_context
    WHERE scenario_mileage_lots.month = run_context.last_period
),

months AS (
    SELECT
        strftime(amounts.expires_on, '%Y-%m') AS expires_month,
        amounts.before,
        amounts.after
    FROM amounts
)

SELECT
    CAST(months.expires_month AS VARCHAR) AS expires_month,
    CAST(SUM(months.before) AS BIGINT) AS published,
    CAST(SUM(months.after) AS BIGINT) AS scenario,
    CAST(SUM(months.after) - SUM(months.before) AS BIGINT) AS difference
FROM months
GROUP BY months.expires_month
ORDER BY expires_month
