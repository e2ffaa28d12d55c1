-- purpose: Whether no more points were applied for than a refund may have
-- grain: one row where a greatest amount is set and the checks before it passed, none else
-- keys: none
-- inputs: refund_request(reason, points, greatest_points, applied_on), refund_identity(passed)
-- policy: none
-- rules: P6
SELECT
    CAST(COALESCE(refund_request.reason <> 'above_maximum', TRUE) AS BOOLEAN) AS passed,
    CAST(refund_request.points AS BIGINT) AS points,
    CAST(refund_request.greatest_points AS BIGINT) AS greatest_points,
    CAST(
        CASE
            WHEN refund_request.reason = 'above_maximum'
                THEN refund_request.points - refund_request.greatest_points
        END
        AS BIGINT
    ) AS over,
    CAST(refund_request.applied_on AS DATE) AS applied_on
FROM refund_request
INNER JOIN refund_identity ON refund_identity.passed
WHERE refund_request.greatest_points IS NOT NULL
    AND refund_request.reason IS DISTINCT FROM 'below_minimum'
