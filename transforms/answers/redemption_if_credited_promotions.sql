-- purpose: The points short of the redemption, as a promotion of its day
-- grain: one row
-- keys: promotion_credit_id
-- inputs: redemption_request(customer_id, used_on), redemption_if_credited(points)
-- policy: none
-- rules: P1, P4
SELECT
    CAST('short' AS VARCHAR) AS promotion_credit_id,
    CAST(redemption_request.customer_id AS VARCHAR) AS customer_id,
    CAST(redemption_request.used_on AS DATE) AS credited_on,
    CAST(redemption_if_credited.points AS BIGINT) AS points,
    CAST(FALSE AS BOOLEAN) AS refundable
FROM redemption_if_credited
CROSS JOIN redemption_request
