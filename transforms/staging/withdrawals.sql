-- purpose: the withdrawn rows of one partition, those of before and those of this delivery
-- grain: one row per withdrawn row
-- keys: scope, record_key, record_revision, delivery, replaced_by
-- inputs: withdrawn_rows(*)
-- policy: none
-- rules: D2
SELECT withdrawn_rows.* EXCLUDE (content)
FROM withdrawn_rows
ORDER BY owner_id, record_key, delivery, record_revision, replaced_by
