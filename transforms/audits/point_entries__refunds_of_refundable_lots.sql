-- purpose: Points that can't be refunded never go out as a refund
-- grain: one row per such entry; none where the claim holds
-- keys: customer_id, lot_id, source_id
-- inputs: point_entries(customer_id, lot_id, source_id, kind, points, refundable)
-- policy: none
-- rules: P6
SELECT
    CAST(point_entries.customer_id AS VARCHAR) AS customer_id,
    CAST(point_entries.lot_id AS VARCHAR) AS lot_id,
    CAST(point_entries.source_id AS VARCHAR) AS source_id,
    CAST(point_entries.points AS BIGINT) AS points
FROM point_entries
WHERE point_entries.kind = 'refund' AND NOT point_entries.refundable
ORDER BY customer_id, lot_id, source_id
