-- purpose: The asked application with other points
-- grain: one row
-- keys: application_id
-- inputs: refund_request(application_id), refund_if_other_points(points)
-- policy: none
-- rules: P6
SELECT
    CAST(refund_request.application_id AS VARCHAR) AS application_id,
    CAST(refund_if_other_points.points AS BIGINT) AS points
FROM refund_if_other_points
CROSS JOIN refund_request
