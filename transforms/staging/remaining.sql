-- purpose: the staged rows of one partition, current or replaced ones, that are not withdrawn
-- grain: one row per row that stays
-- keys: scope, record_key, record_revision, delivery
-- inputs: standing(*), withdrawn(scope, record_key, record_revision, delivery)
-- policy: none
-- rules: D2
SELECT standing.* EXCLUDE (content)
FROM standing
ANTI JOIN withdrawn USING (scope, record_key, record_revision, delivery)
