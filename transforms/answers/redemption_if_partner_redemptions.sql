-- purpose: The customer's redemptions of the month with another partner in the asked one
-- grain: one row per redemption or cancellation of the month
-- keys: redemption_id
-- inputs: replayed_redemptions(redemption_id, customer_id, used_at, benefit, partner, points,
--   cancels), asked(asked_id), redemption_if_partner(partner)
-- policy: none
-- rules: P4
SELECT
    CAST(replayed_redemptions.redemption_id AS VARCHAR) AS redemption_id,
    CAST(replayed_redemptions.customer_id AS VARCHAR) AS customer_id,
    CAST(replayed_redemptions.used_at AS TIMESTAMP) AS used_at,
    CAST(replayed_redemptions.benefit AS VARCHAR) AS benefit,
    CAST(
        CASE
            WHEN replayed_redemptions.redemption_id = asked.asked_id
                THEN redemption_if_partner.partner
            ELSE replayed_redemptions.partner
        END
        AS VARCHAR
    ) AS partner,
    CAST(replayed_redemptions.points AS BIGINT) AS points,
    CAST(replayed_redemptions.cancels AS VARCHAR) AS cancels
FROM replayed_redemptions
CROSS JOIN asked
CROSS JOIN redemption_if_partner
