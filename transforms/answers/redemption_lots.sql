-- purpose: The lots that the request found, in the order in which they are spent, and what it moved
-- grain: one row per lot that a redemption whose balance was looked at found, or that a cancellation
--   gave back to
-- keys: lot_id
-- inputs: points_lots_at_requests(said, usable, lot_id, kind, credited_on, expires_on, before,
--   moved, after, event_id, action), redemption_request(redemption_id, action, points),
--   redemption_balance(points)
-- policy: none
-- rules: P3, P5
SELECT
    CAST(points_lots_at_requests.said AS VARCHAR) AS said,
    CAST(points_lots_at_requests.usable AS BOOLEAN) AS usable,
    CAST(points_lots_at_requests.lot_id AS VARCHAR) AS lot_id,
    CAST(points_lots_at_requests.kind AS VARCHAR) AS kind,
    CAST(points_lots_at_requests.credited_on AS DATE) AS credited_on,
    CAST(points_lots_at_requests.expires_on AS DATE) AS expires_on,
    CAST(points_lots_at_requests.before AS BIGINT) AS before,
    CAST(points_lots_at_requests.moved AS BIGINT) AS moved,
    CAST(-points_lots_at_requests.moved AS BIGINT) AS taken,
    CAST(points_lots_at_requests.after AS BIGINT) AS after
FROM points_lots_at_requests
INNER JOIN redemption_request
    ON points_lots_at_requests.event_id = redemption_request.redemption_id
    AND points_lots_at_requests.action = redemption_request.action
LEFT JOIN redemption_balance ON redemption_request.points = redemption_balance.points
WHERE points_lots_at_requests.moved > 0 OR redemption_balance.points IS NOT NULL
ORDER BY
    usable DESC,
    expires_on,
    credited_on,
    lot_id
