-- purpose: The customer's redemptions of the month with one more: the cancellation of the earlier
--   use, as soon as it was made
-- grain: one row per redemption or cancellation of the month, and one of the cancellation
-- keys: redemption_id
-- inputs: replayed_redemptions(redemption_id, customer_id, used_at, benefit, partner, points,
--   cancels), redemption_if_cancelled(earlier_id)
-- policy: none
-- rules: P4, P5
WITH requests AS (
    SELECT
        replayed_redemptions.redemption_id,
        replayed_redemptions.customer_id,
        replayed_redemptions.used_at,
        replayed_redemptions.benefit,
        replayed_redemptions.partner,
        replayed_redemptions.points,
        replayed_redemptions.cancels
    FROM replayed_redemptions
    UNION ALL
    SELECT
        'cancellation' AS redemption_id,
        replayed_redemptions.customer_id,
        replayed_redemptions.used_at,
        replayed_redemptions.benefit,
        replayed_redemptions.partner,
        0 AS points,
        replayed_redemptions.redemption_id AS cancels
    FROM replayed_redemptions
    INNER JOIN redemption_if_cancelled
        ON replayed_redemptions.redemption_id = redemption_if_cancelled.earlier_id
)

SELECT
    CAST(requests.redemption_id AS VARCHAR) AS redemption_id,
    CAST(requests.customer_id AS VARCHAR) AS customer_id,
    CAST(requests.used_at AS TIMESTAMP) AS used_at,
    CAST(requests.benefit AS VARCHAR) AS benefit,
    CAST(requests.partner AS VARCHAR) AS partner,
    CAST(requests.points AS BIGINT) AS points,
    CAST(requests.cancels AS VARCHAR) AS cancels
FROM requests
