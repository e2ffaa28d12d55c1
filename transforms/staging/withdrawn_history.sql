-- purpose: the replaced rows of one partition that are withdrawn, as they are there: a row that was
--   replaced by its own delivery was never accepted
-- grain: one row per withdrawn row
-- keys: scope, record_key, record_revision, delivery
-- inputs: standing(*), withdrawn(scope, record_key, record_revision, delivery)
-- policy: none
-- rules: D2
SELECT standing.* EXCLUDE (content)
FROM standing
SEMI JOIN withdrawn USING (scope, record_key, record_revision, delivery)
