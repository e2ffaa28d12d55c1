-- question: How often did each command run, how often did it fail, and what did it take?
-- for: operator
-- tables: runs.runs
SELECT
    command,
    count(*) AS runs,
    count(*) FILTER (WHERE status = 'failed') AS failed,
    CAST(sum(seconds) AS DECIMAL(18, 1)) AS seconds,
    CAST(max(seconds) AS DECIMAL(18, 1)) AS longest
FROM runs.runs
GROUP BY command
ORDER BY command
