-- purpose: How many runs each command had, and how long they took
-- grain: one row per command
-- keys: command
-- inputs: runs(command, status, seconds)
-- policy: none
-- rules: Q3
SELECT
    CAST(runs.command AS VARCHAR) AS command,
    CAST(COUNT(*) AS BIGINT) AS runs,
    CAST(SUM(CASE WHEN runs.status = 'failed' THEN 1 ELSE 0 END) AS BIGINT) AS failed,
    CAST(MEDIAN(CAST(runs.seconds AS DECIMAL(18, 3))) AS DOUBLE) AS median_seconds,
    CAST(MAX(runs.seconds) AS DOUBLE) AS longest_seconds,
    CAST(SUM(CAST(runs.seconds AS DECIMAL(18, 3))) AS DOUBLE) AS seconds_together
FROM runs
GROUP BY runs.command
ORDER BY command
