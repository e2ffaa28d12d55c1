-- purpose: Whether as many points were applied for as a refund must have
-- grain: one row where a least amount is set and the checks before it passed, none else
-- keys: none
-- inputs: refund_request(reason, points, least_points, applied_on), refund_identity(passed)
-- policy: none
-- rules: P6
SELECT
    CAST(COALESCE(refund_request.reason <> 'below_minimum', TRUE) AS BOOLEAN) AS passed,
    CAST(refund_request.points AS BIGINT) AS points,
    CAST(refund_request.least_points AS BIGINT) AS least_points,
    CAST(
        CASE
            WHEN refund_request.reason = 'below_minimum'
                THEN refund_request.least_points - refund_request.points
        END
        AS BIGINT
    ) AS short,
    CAST(refund_request.applied_on AS DATE) AS applied_on
FROM refund_request
INNER JOIN refund_identity ON refund_identity.passed
WHERE refund_request.least_points IS NOT NULL
