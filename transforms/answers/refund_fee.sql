-- purpose: The fee of the method, and what is paid
-- grain: one row for an accepted application, none else
-- keys: none
-- inputs: refund_request(amount_krw, points, method, fee, applied_on, status),
--   policy_point_refund_fees(fee, per_points, method, valid_from, valid_to)
-- policy: point_refund_fees
-- rules: P6
SELECT
    CAST(refund_request.amount_krw AS BIGINT) AS outcome,
    CAST(refund_request.points AS BIGINT) AS points,
    CAST(refund_request.method AS VARCHAR) AS method,
    CAST(refund_request.fee AS BIGINT) AS fee,
    CAST(policy_point_refund_fees.fee AS BIGINT) AS fee_points,
    CAST(policy_point_refund_fees.per_points AS BIGINT) AS per_points,
    CAST(refund_request.applied_on AS DATE) AS applied_on
FROM refund_request
INNER JOIN policy_point_refund_fees
    ON refund_request.method = policy_point_refund_fees.method
    AND policy_point_refund_fees.valid_from <= refund_request.applied_on
    AND (
        policy_point_refund_fees.valid_to IS NULL
        OR refund_request.applied_on < policy_point_refund_fees.valid_to
    )
WHERE refund_request.status = 'accepted'
