-- purpose: From which annual fee on each tier was given, on the day of the latest assessment
-- grain: one row per tier
-- keys: tier
-- inputs: policies(policy, key, column, value, valid_from, valid_to), run_context(assessed_on)
-- policy: none
-- rules: T4
SELECT
    CAST(REPLACE(policies.key, 'tier=', '') AS VARCHAR) AS tier,
    CAST(policies.value AS BIGINT) AS from_fee
FROM policies
CROSS JOIN run_context
WHERE policies.policy = 'tier_thresholds'
    AND policies."column" = 'from_fee'
    AND policies.valid_from <= run_context.assessed_on
    AND (policies.valid_to IS NULL OR run_context.assessed_on < policies.valid_to)
ORDER BY from_fee
