-- purpose: The points left at the end of the last period, by the month in which they lapse
-- grain: one row per month of expiry and kind of lots
-- keys: expires_month, kind
-- inputs: point_liability(period, expires_on, kind, usable, lots, points),
--   run_context(last_period)
-- policy: none
-- rules: P11
SELECT
    CAST(strftime(point_liability.expires_on, '%Y-%m') AS VARCHAR) AS expires_month,
    CAST(point_liability.kind AS VARCHAR) AS kind,
    CAST(SUM(point_liability.lots) AS BIGINT) AS lots,
    CAST(SUM(point_liability.points) AS BIGINT) AS points,
    CAST(SUM(CASE WHEN point_liability.usable THEN point_liability.points ELSE 0 END) AS BIGINT)
        AS usable,
    CAST(SUM(CASE WHEN point_liability.usable THEN 0 ELSE point_liability.points END) AS BIGINT)
        AS past_their_day
FROM point_liability
CROSS JOIN run_context
WHERE point_liability.period = run_context.last_period
GROUP BY strftime(point_liability.expires_on, '%Y-%m'), point_liability.kind
ORDER BY expires_month, kind
