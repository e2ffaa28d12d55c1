-- purpose: The lots that the application found, refundable ones first, in the order in which they
--   are spent, and what it took of each
-- grain: one row per lot with points before an application whose balance was looked at
-- keys: lot_id
-- inputs: points_lots_at_requests(said, refundable, usable, lot_id, kind, credited_on, expires_on,
--   before, moved, after, event_id, action), refund_request(application_id, points),
--   refund_balance(points)
-- policy: none
-- rules: P3, P6
SELECT
    CAST(
        CASE
            WHEN points_lots_at_requests.said = 'usable' AND NOT points_lots_at_requests.refundable
                THEN 'not_refundable'
            ELSE points_lots_at_requests.said
        END
        AS VARCHAR
    ) AS said,
    CAST(points_lots_at_requests.usable AS BOOLEAN) AS usable,
    CAST(points_lots_at_requests.refundable AS BOOLEAN) AS refundable,
    CAST(points_lots_at_requests.lot_id AS VARCHAR) AS lot_id,
    CAST(points_lots_at_requests.kind AS VARCHAR) AS kind,
    CAST(points_lots_at_requests.credited_on AS DATE) AS credited_on,
    CAST(points_lots_at_requests.expires_on AS DATE) AS expires_on,
    CAST(points_lots_at_requests.before AS BIGINT) AS before,
    CAST(points_lots_at_requests.moved AS BIGINT) AS moved,
    CAST(-points_lots_at_requests.moved AS BIGINT) AS taken,
    CAST(points_lots_at_requests.after AS BIGINT) AS after
FROM points_lots_at_requests
INNER JOIN refund_request
    ON points_lots_at_requests.event_id = refund_request.application_id
    AND points_lots_at_requests.action = 'spend_refundable'
INNER JOIN refund_balance ON refund_request.points = refund_balance.points
ORDER BY
    usable DESC,
    refundable DESC,
    expires_on,
    credited_on,
    lot_id
