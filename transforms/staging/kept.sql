-- purpose: the held rows of one partition that a delivery doesn't replace
-- grain: one row per key
-- keys: scope, record_key
-- inputs: partition_held(*), outcomes(scope, record_key, outcome)
-- policy: none
-- rules: D2
SELECT held.* EXCLUDE (content)
FROM partition_held AS held
ANTI JOIN (SELECT scope, record_key FROM outcomes WHERE outcome = 'accepted') AS won
    USING (scope, record_key)
