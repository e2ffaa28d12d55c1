-- purpose: The points left at the end of a scenario's last period, by when they lapse
-- grain: one row per month of expiry that either side has points of
-- keys: expires_month
-- inputs: published_point_liability(period, expires_on, points),
--   scenario_point_liability(period, expires_on, points), run_context(last_period)
-- policy: none
-- rules: P11
WITH amounts AS (
    SELECT
        published_point_liability.expires_on,
        published_point_liability.points AS before,
        0 AS after
    FROM published_point_liability
    CROSS JOIN run_context
    WHERE published_point_liability.period = run_context.last_period
    UNION ALL
    SELECT
        scenario_point_liability.expires_on,
        0 AS before,
        scenario_point_liability.points AS after
    FROM scenario_point_liability
    CROSS JOIN run_context
    WHERE scenario_point_liability.period = run_context.last_period
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
