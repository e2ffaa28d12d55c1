-- purpose: Every redemption of the month is answered, and nothing else: as many, for as many points
-- grain: one row where that is not so; none where it holds
-- keys: none
-- inputs: redemption_results(points), redemptions(points)
-- policy: none
-- rules: P4, P5
WITH delivered AS (
    SELECT COUNT(*) AS requests, COALESCE(SUM(redemptions.points), 0) AS points
    FROM redemptions
),

answered AS (
    SELECT COUNT(*) AS requests, COALESCE(SUM(redemption_results.points), 0) AS points
    FROM redemption_results
)

SELECT
    CAST(delivered.requests AS BIGINT) AS delivered,
    CAST(answered.requests AS BIGINT) AS answered,
    CAST(delivered.points AS DECIMAL(38, 0)) AS delivered_points,
    CAST(answered.points AS DECIMAL(38, 0)) AS answered_points
FROM delivered
CROSS JOIN answered
WHERE delivered.requests <> answered.requests OR delivered.points <> answered.points
