-- purpose: The asked request with other points
-- grain: one row
-- keys: redemption_id
-- inputs: redemption_request(redemption_id), redemption_if_other_points(points)
-- policy: none
-- rules: P4, P5
SELECT
    CAST(redemption_request.redemption_id AS VARCHAR) AS redemption_id,
    CAST(redemption_if_other_points.points AS BIGINT) AS points
FROM redemption_if_other_points
CROSS JOIN redemption_request
