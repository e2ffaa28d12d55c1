-- purpose: The runs before the latest, a month together
-- grain: one row per month in which they began, and command
-- keys: month, command
-- inputs: runs(run_id, command, status, started_at, seconds), run_context(listed_from)
-- policy: none
-- rules: Q3
SELECT
    CAST(strftime(runs.started_at, '%Y-%m') AS VARCHAR) AS month,
    CAST(runs.command AS VARCHAR) AS command,
    CAST(COUNT(*) AS BIGINT) AS runs,
    CAST(SUM(CASE WHEN runs.status = 'failed' THEN 1 ELSE 0 END) AS BIGINT) AS failed,
    CAST(SUM(CAST(runs.seconds AS DECIMAL(18, 3))) AS DOUBLE) AS seconds_together
FROM runs
CROSS JOIN run_context
WHERE runs.run_id < run_context.listed_from
GROUP BY strftime(runs.started_at, '%Y-%m'), runs.command
ORDER BY month, command
