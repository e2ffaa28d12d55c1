-- purpose: The customer's redemptions of the month with other points in the asked one
-- grain: one row per redemption or cancellation of the month
-- keys: redemption_id
-- inputs: replayed_redemptions(redemption_id, customer_id, used_at, benefit, partner, points,
--   cancels), asked(asked_id), redemption_if_other_points(points)
-- policy: none
-- rules: P4, P5
SELECT
    CAST(replayed_redemptions.redemption_id AS VARCHAR) AS redemption_id,
    CAST(replayed_redemptions.customer_id AS VARCHAR) AS customer_id,
    CAST(replayed_redemptions.used_at AS TIMESTAMP) AS used_at,
    CAST(replayed_redemptions.benefit AS VARCHAR) AS benefit,
    CAST(replayed_redemptions.partner AS VARCHAR) AS partner,
    CAST(
        CASE
            WHEN replayed_redemptions.redemption_id = asked.asked_id
                THEN redemption_if_other_points.points
            ELSE replayed_redemptions.points
        END
        AS BIGINT
    ) AS points,
    CAST(replayed_redemptions.cancels AS VARCHAR) AS cancels
FROM replayed_redemptions
CROSS JOIN asked
CROSS JOIN redemption_if_other_points
