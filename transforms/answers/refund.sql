-- purpose: The answer to the asked refund application, with the figures of its reason
-- grain: one row
-- keys: none
-- inputs: refund_request(reason, status, applied_at, points, method, fee, amount_krw, pay_on,
--   least_points, greatest_points, unit_points), refund_balance(refundable, short, points)
-- policy: none
-- rules: P6
SELECT
    CAST(COALESCE(refund_request.reason, 'accepted') AS VARCHAR) AS said,
    CAST(refund_request.status AS VARCHAR) AS status,
    CAST(refund_request.reason AS VARCHAR) AS reason,
    CAST(refund_request.applied_at AS TIMESTAMP) AS applied_at,
    CAST(refund_request.points AS BIGINT) AS points,
    CAST(refund_request.method AS VARCHAR) AS method,
    CAST(refund_request.fee AS BIGINT) AS fee,
    CAST(refund_request.amount_krw AS BIGINT) AS amount_krw,
    CAST(refund_request.pay_on AS DATE) AS pay_on,
    CAST(refund_request.least_points AS BIGINT) AS least_points,
    CAST(refund_request.greatest_points AS BIGINT) AS greatest_points,
    CAST(refund_request.unit_points AS BIGINT) AS unit_points,
    CAST(refund_balance.refundable AS BIGINT) AS refundable,
    CAST(refund_balance.short AS BIGINT) AS short
FROM refund_request
LEFT JOIN refund_balance ON refund_request.points = refund_balance.points
