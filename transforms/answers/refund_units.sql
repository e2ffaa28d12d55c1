-- purpose: Whether the points applied for are a multiple of the unit
-- grain: one row where a unit is set and the checks before it passed, none else
-- keys: none
-- inputs: refund_request(reason, points, unit_points, applied_on), refund_identity(passed)
-- policy: none
-- rules: P6
SELECT
    CAST(COALESCE(refund_request.reason <> 'not_in_units', TRUE) AS BOOLEAN) AS passed,
    CAST(refund_request.points AS BIGINT) AS points,
    CAST(refund_request.unit_points AS BIGINT) AS unit_points,
    CAST(
        CASE
            WHEN refund_request.reason = 'not_in_units'
                THEN refund_request.points % refund_request.unit_points
        END
        AS BIGINT
    ) AS over,
    CAST(refund_request.applied_on AS DATE) AS applied_on
FROM refund_request
INNER JOIN refund_identity ON refund_identity.passed
WHERE refund_request.unit_points IS NOT NULL
    AND COALESCE(refund_request.reason NOT IN ('below_minimum', 'above_maximum'), TRUE)
