-- purpose: The points usable just before the redemption, against those asked for
-- grain: one row where the checks before it passed, none else
-- keys: none
-- inputs: points_lots_at_requests(moved, event_id, action), redemption_request(redemption_id,
--   action, reason, points), replayed_events_in_order(usable, event_id, action),
--   redemption_limit(passed)
-- policy: none
-- rules: P3, P4
WITH moved AS (
    SELECT COALESCE(SUM(points_lots_at_requests.moved), 0) AS points
    FROM points_lots_at_requests
    INNER JOIN redemption_request
        ON points_lots_at_requests.event_id = redemption_request.redemption_id
        AND points_lots_at_requests.action = redemption_request.action
),

balance AS (
    SELECT
        redemption_request.reason,
        redemption_request.points,
        -- what could be spent after it, and what it took
        replayed_events_in_order.usable - moved.points AS usable
    FROM redemption_request
    INNER JOIN replayed_events_in_order
        ON redemption_request.redemption_id = replayed_events_in_order.event_id
        AND redemption_request.action = replayed_events_in_order.action
    CROSS JOIN moved
    INNER JOIN redemption_limit ON redemption_limit.passed
)

SELECT
    CAST(CASE WHEN balance.reason IS NULL THEN 'covered' ELSE balance.reason END AS VARCHAR) AS said,
    CAST(balance.reason IS DISTINCT FROM 'insufficient_points' AS BOOLEAN) AS passed,
    CAST(balance.points AS BIGINT) AS points,
    CAST(balance.usable AS BIGINT) AS usable,
    CAST(CASE WHEN balance.reason IS NULL THEN balance.usable - balance.points END AS BIGINT) AS over,
    CAST(CASE WHEN balance.reason IS NOT NULL THEN balance.points - balance.usable END AS BIGINT)
        AS short
FROM balance
