-- purpose: The customer's promotions with one more, of the points short, on the day of the redemption
-- grain: one row per promotion of the month, and one of the points short
-- keys: promotion_credit_id
-- inputs: replayed_promotions(promotion_credit_id, customer_id, credited_on, points, refundable,
--   expires_on), redemption_request(customer_id, used_on), redemption_if_credited(points)
-- policy: none
-- rules: P1, P4
WITH credits AS (
    SELECT
        replayed_promotions.promotion_credit_id,
        replayed_promotions.customer_id,
        replayed_promotions.credited_on,
        replayed_promotions.points,
        replayed_promotions.refundable,
        replayed_promotions.expires_on
    FROM replayed_promotions
    UNION ALL
    SELECT
        'short' AS promotion_credit_id,
        redemption_request.customer_id,
        redemption_request.used_on AS credited_on,
        redemption_if_credited.points,
        FALSE AS refundable,
        CAST(NULL AS DATE) AS expires_on
    FROM redemption_if_credited
    CROSS JOIN redemption_request
)

SELECT
    CAST(credits.promotion_credit_id AS VARCHAR) AS promotion_credit_id,
    CAST(credits.customer_id AS VARCHAR) AS customer_id,
    CAST(credits.credited_on AS DATE) AS credited_on,
    CAST(credits.points AS BIGINT) AS points,
    CAST(credits.refundable AS BOOLEAN) AS refundable,
    CAST(credits.expires_on AS DATE) AS expires_on
FROM credits
