-- purpose: The refundable points usable just before the application, against those applied for
-- grain: one row where the checks before it passed, none else
-- keys: none
-- inputs: points_lots_at_requests(before, refundable, event_id, action, usable),
--   refund_request(application_id, reason, points)
-- policy: none
-- rules: P6
WITH balance AS (
    SELECT
        COALESCE(SUM(points_lots_at_requests.before), 0) AS usable,
        COALESCE(
            SUM(points_lots_at_requests.before) FILTER (WHERE points_lots_at_requests.refundable), 0
        ) AS refundable
    FROM points_lots_at_requests
    INNER JOIN refund_request
        ON points_lots_at_requests.event_id = refund_request.application_id
        AND points_lots_at_requests.action = 'spend_refundable'
    WHERE points_lots_at_requests.usable
)

SELECT
    CAST(
        CASE WHEN refund_request.reason IS NULL THEN 'covered' ELSE 'insufficient' END AS VARCHAR
    ) AS said,
    CAST(refund_request.reason IS NULL AS BOOLEAN) AS passed,
    CAST(refund_request.points AS BIGINT) AS points,
    CAST(balance.usable AS BIGINT) AS usable,
    CAST(balance.refundable AS BIGINT) AS refundable,
    CAST(
        CASE WHEN refund_request.reason IS NULL THEN balance.refundable - refund_request.points END
        AS BIGINT
    ) AS over,
    CAST(
        CASE
            WHEN refund_request.reason IS NOT NULL
                THEN refund_request.points - balance.refundable
        END
        AS BIGINT
    ) AS short
FROM refund_request
CROSS JOIN balance
WHERE refund_request.reason IS NULL
    OR refund_request.reason = 'insufficient_refundable_points'
