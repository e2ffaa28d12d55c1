-- purpose: the partitions in which a delivery replaces staged rows
-- grain: one row per partition
-- keys: partition_month
-- inputs: held(partition_month, scope, record_key), outcomes(scope, record_key, outcome)
-- policy: none
-- rules: D2
SELECT DISTINCT held.partition_month
FROM held
SEMI JOIN (SELECT scope, record_key FROM outcomes WHERE outcome = 'accepted') AS won
    USING (scope, record_key)
ORDER BY held.partition_month
