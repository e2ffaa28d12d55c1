-- purpose: No movement has two rows in mileage_entries
-- grain: one row per movement with more than one row; none where the claim holds
-- keys: member_id, lot_id, source_id, kind
-- inputs: mileage_entries(member_id, lot_id, source_id, kind)
-- policy: none
-- rules: P11, Q1
SELECT
    CAST(mileage_entries.member_id AS VARCHAR) AS member_id,
    CAST(mileage_entries.lot_id AS VARCHAR) AS lot_id,
    CAST(mileage_entries.source_id AS VARCHAR) AS source_id,
    CAST(mileage_entries.kind AS VARCHAR) AS kind,
    CAST(COUNT(*) AS BIGINT) AS copies
FROM mileage_entries
GROUP BY
    mileage_entries.member_id,
    mileage_entries.lot_id,
    mileage_entries.source_id,
    mileage_entries.kind
HAVING COUNT(*) > 1
ORDER BY member_id, lot_id, source_id, kind
