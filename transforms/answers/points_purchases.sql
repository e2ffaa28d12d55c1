-- purpose: What each credit for a purchase comes from
-- grain: one row per credited purchase
-- keys: lot_id
-- inputs: points_entries(points, lot_id, credited_on, period, kind), replayed_purchases(channel,
--   amount, purchase_id, replayed_period), policy_point_purchase_credits(points, per_amount,
--   channel, valid_from, valid_to)
-- policy: point_purchase_credits
-- rules: P1
SELECT
    CAST(points_entries.points AS BIGINT) AS outcome,
    CAST(points_entries.lot_id AS VARCHAR) AS lot_id,
    CAST(replayed_purchases.channel AS VARCHAR) AS channel,
    CAST(replayed_purchases.amount AS BIGINT) AS amount,
    CAST(policy_point_purchase_credits.points AS BIGINT) AS rate_points,
    CAST(policy_point_purchase_credits.per_amount AS BIGINT) AS per_amount,
    CAST(points_entries.credited_on AS DATE) AS credited_on
FROM points_entries
INNER JOIN replayed_purchases
    ON points_entries.lot_id = 'purchase:' || replayed_purchases.purchase_id
    AND points_entries.period = replayed_purchases.replayed_period
INNER JOIN policy_point_purchase_credits
    ON replayed_purchases.channel = policy_point_purchase_credits.channel
    AND policy_point_purchase_credits.valid_from <= points_entries.credited_on
    AND (
        policy_point_purchase_credits.valid_to IS NULL
        OR points_entries.credited_on < policy_point_purchase_credits.valid_to
    )
WHERE points_entries.kind = 'purchase'
ORDER BY credited_on, lot_id
