-- purpose: the owners of which rows come to one partition or are replaced there
-- grain: one row per owner
-- keys: owner_id
-- inputs: partition_arrivals(owner_id), partition_held(scope, record_key, owner_id),
--   outcomes(scope, record_key, outcome)
-- policy: none
-- rules: inputs.md, revisions
WITH replaced AS (
    SELECT held.owner_id
    FROM partition_held AS held
    SEMI JOIN (SELECT scope, record_key FROM outcomes WHERE outcome = 'accepted') AS won
        USING (scope, record_key)
)

SELECT owner_id FROM partition_arrivals
UNION
SELECT owner_id FROM replaced
ORDER BY owner_id
