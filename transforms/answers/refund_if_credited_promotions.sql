-- purpose: The refundable points short of the application, as a promotion of its day
-- grain: one row
-- keys: promotion_credit_id
-- inputs: refund_request(customer_id, applied_on), refund_if_credited(points)
-- policy: none
-- rules: P1, P6
SELECT
    CAST('short' AS VARCHAR) AS promotion_credit_id,
    CAST(refund_request.customer_id AS VARCHAR) AS customer_id,
    CAST(refund_request.applied_on AS DATE) AS credited_on,
    CAST(refund_if_credited.points AS BIGINT) AS points,
    CAST(TRUE AS BOOLEAN) AS refundable
FROM refund_if_credited
CROSS JOIN refund_request
