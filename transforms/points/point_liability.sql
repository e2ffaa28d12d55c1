-- purpose: The points outstanding at the end of a period, by when they lapse
-- grain: one row per expiry date and kind of the lots left at the end of the period
-- keys: expires_on, kind
-- inputs: point_lots(customer_id, kind, expires_on, remaining), run_context(last_day)
-- policy: none
-- rules: P11
WITH outstanding AS (
    SELECT
        point_lots.expires_on,
        point_lots.kind,
        COUNT(DISTINCT point_lots.customer_id) AS customers,
        COUNT(*) AS lots,
        SUM(point_lots.remaining) AS points
    FROM point_lots
    GROUP BY point_lots.expires_on, point_lots.kind
)

SELECT
    CAST(outstanding.expires_on AS DATE) AS expires_on,
    CAST(outstanding.kind AS VARCHAR) AS kind,
    CAST(outstanding.expires_on > run_context.last_day AS BOOLEAN) AS usable,
    CAST(outstanding.customers AS BIGINT) AS customers,
    CAST(outstanding.lots AS BIGINT) AS lots,
    CAST(outstanding.points AS BIGINT) AS points
FROM outstanding
CROSS JOIN run_context
ORDER BY expires_on, kind
