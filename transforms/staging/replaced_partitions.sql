-- purpose: the partitions in which a delivery replaces staged rows, or brings rows that were replaced
--   before it
-- grain: one row per partition
-- keys: partition_month
-- inputs: held(partition_month, scope, record_key), older(partition_month),
--   outcomes(scope, record_key, outcome)
-- policy: none
-- rules: D2
SELECT held.partition_month
FROM held
SEMI JOIN (SELECT scope, record_key FROM outcomes WHERE outcome = 'accepted') AS won
    USING (scope, record_key)
UNION
SELECT older.partition_month
FROM older
ORDER BY partition_month
