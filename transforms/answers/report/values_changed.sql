-- purpose: On which days values of the policies change
-- grain: one row per day, policy, key and value that begins on it
-- keys: valid_from, policy, key, name
-- inputs: policies(policy, key, column, value, unit, valid_from, valid_to, source)
-- policy: none
-- rules: Q3
SELECT
    CAST(now_held.valid_from AS DATE) AS valid_from,
    CAST(now_held.policy AS VARCHAR) AS policy,
    CAST(now_held.key AS VARCHAR) AS key,
    CAST(now_held."column" AS VARCHAR) AS name,
    CAST(before_it.value AS VARCHAR) AS value_before,
    CAST(now_held.value AS VARCHAR) AS value,
    CAST(now_held.unit AS VARCHAR) AS unit,
    CAST(now_held.source AS VARCHAR) AS source
FROM policies AS now_held
INNER JOIN policies AS before_it
    ON now_held.policy = before_it.policy
    AND now_held.key = before_it.key
    AND now_held."column" = before_it."column"
    AND now_held.valid_from = before_it.valid_to
WHERE before_it.value IS DISTINCT FROM now_held.value
ORDER BY valid_from DESC, policy, key, name
