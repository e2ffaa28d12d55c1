-- purpose: The answer to every redemption and cancellation of the month
-- grain: one row per delivered redemption or cancellation of the month
-- keys: redemption_id
-- inputs: redemptions_in_order(redemption_id, customer_id, used_at, benefit, partner, points, cancels,
--   verdict, refusal)
-- policy: none
-- rules: P4, P5
SELECT
    CAST(redemptions_in_order.redemption_id AS VARCHAR) AS redemption_id,
    CAST(redemptions_in_order.customer_id AS VARCHAR) AS customer_id,
    CAST(redemptions_in_order.used_at AS TIMESTAMP) AS used_at,
    CAST(redemptions_in_order.benefit AS VARCHAR) AS benefit,
    CAST(redemptions_in_order.partner AS VARCHAR) AS partner,
    CAST(redemptions_in_order.points AS BIGINT) AS points,
    CAST(redemptions_in_order.cancels AS VARCHAR) AS cancels,
    CAST(
        CASE WHEN redemptions_in_order.verdict = 'accepted' THEN 'accepted' ELSE 'rejected' END
        AS VARCHAR
    ) AS status,
    CAST(
        CASE redemptions_in_order.verdict
            WHEN 'accepted' THEN NULL
            WHEN 'refused' THEN redemptions_in_order.refusal
            WHEN 'over_quota' THEN 'monthly_limit'
            WHEN 'insufficient' THEN 'insufficient_points'
            WHEN 'unknown_event' THEN 'unknown_redemption'
            ELSE redemptions_in_order.verdict
        END
        AS VARCHAR
    ) AS reason
FROM redemptions_in_order
