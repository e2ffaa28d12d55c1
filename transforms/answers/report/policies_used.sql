-- purpose: Which versions of the policies runs used
-- grain: one row per digest
-- keys: policies
-- inputs: runs(run_id, policies, status)
-- policy: none
-- rules: Q3
SELECT
    CAST(runs.policies AS VARCHAR) AS policies,
    CAST(COUNT(*) AS BIGINT) AS runs,
    CAST(MIN(runs.run_id) AS VARCHAR) AS first_run,
    CAST(MAX(runs.run_id) AS VARCHAR) AS last_run
FROM runs
WHERE runs.policies IS NOT NULL
    AND runs.status = 'done'
GROUP BY runs.policies
ORDER BY last_run DESC
