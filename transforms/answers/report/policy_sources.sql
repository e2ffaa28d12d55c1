-- purpose: Where the values of the policies come from
-- grain: one row per kind of source, and per address
-- keys: source
-- inputs: policies(policy, source)
-- policy: none
-- rules: Q3
WITH told AS (
    SELECT
        policies.policy,
        -- an address whole, else what stands before the first colon or comma
        REGEXP_EXTRACT(policies.source, '^(https?://[^\s;]*[^\s;:,]|[^:,]*)', 1) AS source
    FROM policies
)

SELECT
    CAST(told.source AS VARCHAR) AS source,
    CAST(COUNT(*) AS BIGINT) AS "values",
    CAST(COUNT(DISTINCT told.policy) AS BIGINT) AS policies
FROM told
GROUP BY told.source
ORDER BY "values" DESC, source
