-- purpose: The points with which the application would have been answered otherwise: within the
--   bounds or the balance where it was not, beyond the balance where it was
-- grain: one row, none where its points did not decide
-- keys: none
-- inputs: refund_request(points, reason, least_points, greatest_points, unit_points),
--   refund_balance(refundable, points)
-- policy: none
-- rules: P6
WITH others AS (
    SELECT
        refund_request.points AS asked_for,
        CASE refund_request.reason
            WHEN 'below_minimum' THEN refund_request.least_points
            WHEN 'above_maximum' THEN refund_request.greatest_points
            WHEN 'not_in_units'
                THEN GREATEST(
                    refund_request.points - refund_request.points % refund_request.unit_points,
                    refund_request.unit_points
                )
            WHEN 'insufficient_refundable_points' THEN refund_balance.refundable
            ELSE refund_balance.refundable + 1
        END AS points
    FROM refund_request
    LEFT JOIN refund_balance ON refund_request.points = refund_balance.points
)

SELECT
    CAST(CASE WHEN others.points < others.asked_for THEN 'fewer' ELSE 'more' END AS VARCHAR)
        AS said,
    CAST(others.points AS BIGINT) AS points,
    CAST(ABS(others.points - others.asked_for) AS BIGINT) AS difference
FROM others
WHERE others.points > 0
