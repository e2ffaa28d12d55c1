-- purpose: What each year's sweep took, whether its owner had been told, and why not
-- grain: one row per year, cause and reason for not being told
-- keys: year, cause, untold
-- inputs: expiry_sweep(year, points, cause, untold), run_context(last_period)
-- policy: none
-- rules: P9, P10
SELECT
    CAST(expiry_sweep.year AS BIGINT) AS year,
    CAST(expiry_sweep.cause AS VARCHAR) AS cause,
    CAST(COALESCE(expiry_sweep.untold, 'told') AS VARCHAR) AS untold,
    CAST(COUNT(*) AS BIGINT) AS lots,
    CAST(SUM(expiry_sweep.points) AS BIGINT) AS points
FROM expiry_sweep
CROSS JOIN run_context
WHERE CAST(expiry_sweep.year AS VARCHAR) || '-YE' <= run_context.last_period
GROUP BY expiry_sweep.year, expiry_sweep.cause, expiry_sweep.untold
ORDER BY year DESC, cause, untold
