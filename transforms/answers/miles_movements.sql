-- purpose: The movements of the member's miles in the month, by what moved them
-- grain: one row per kind of movement
-- keys: kind
-- inputs: published_mileage_entries(kind, source_id, lot_id, miles)
-- policy: none
-- rules: P11, X2
SELECT
    CAST(published_mileage_entries.kind AS VARCHAR) AS kind,
    CAST(COUNT(DISTINCT published_mileage_entries.source_id) AS BIGINT) AS movements,
    CAST(COUNT(DISTINCT published_mileage_entries.lot_id) AS BIGINT) AS lots,
    CAST(SUM(published_mileage_entries.miles) AS BIGINT) AS outcome
FROM published_mileage_entries
GROUP BY published_mileage_entries.kind
ORDER BY kind
