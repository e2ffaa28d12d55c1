-- purpose: Where the values of the policies come from
-- grain: one row per kind of source
-- keys: source
-- inputs: policies(policy, source)
-- policy: none
-- rules: Q3
WITH told AS (
    SELECT
        policies.policy,
        SPLIT_PART(SPLIT_PART(policies.source, ':', 1), ',', 1) AS source
    FROM policies
)

SELECT
    CAST(told.source AS VARCHAR) AS source,
    CAST(COUNT(*) AS BIGINT) AS amount,
    CAST(COUNT(DISTINCT told.policy) AS BIGINT) AS policies
FROM told
GROUP BY told.source
ORDER BY amount DESC, source
