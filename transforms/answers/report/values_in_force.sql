-- purpose: The values of the policies that were last used which hold on the last day
-- grain: one row per policy, key and value
-- keys: policy, key, name
-- inputs: policies(policy, key, column, value, unit, valid_from, valid_to, source),
--   run_context(last_day)
-- policy: none
-- rules: Q3
SELECT
    CAST(policies.policy AS VARCHAR) AS policy,
    CAST(policies.key AS VARCHAR) AS key,
    CAST(policies."column" AS VARCHAR) AS name,
    CAST(policies.value AS VARCHAR) AS value,
    CAST(policies.unit AS VARCHAR) AS unit,
    CAST(policies.valid_from AS DATE) AS valid_from,
    CAST(policies.valid_to AS DATE) AS valid_to,
    CAST(policies.source AS VARCHAR) AS source
FROM policies
CROSS JOIN run_context
WHERE policies.valid_from <= run_context.last_day
    AND (policies.valid_to IS NULL OR run_context.last_day < policies.valid_to)
ORDER BY policy, key, name
