-- purpose: Every delivered purchase of the month that earns a point or more is a lot, or an
--   exception, of as many points as the rate gives, and no other purchase is
-- grain: one row per purchase of which that is not so; none where the claim holds
-- keys: lot_id
-- inputs: point_entries(lot_id, customer_id, kind, points),
--   point_exceptions(source_id, customer_id, kind, points),
--   purchases(purchase_id, customer_id, purchased_at, channel, amount),
--   policy_point_purchase_credits(channel, points, per_amount, valid_from, valid_to)
-- policy: point_purchase_credits
-- rules: P1
WITH due AS (
    SELECT
        'purchase:' || purchases.purchase_id AS lot_id,
        purchases.customer_id,
        -- in two steps, as a large amount times the points could leave 64 bits
        purchases.amount
        // policy_point_purchase_credits.per_amount * policy_point_purchase_credits.points
        + purchases.amount
        % policy_point_purchase_credits.per_amount * policy_point_purchase_credits.points
        // policy_point_purchase_credits.per_amount AS points
    FROM purchases
    INNER JOIN policy_point_purchase_credits
        ON purchases.channel = policy_point_purchase_credits.channel
        AND policy_point_purchase_credits.valid_from <= CAST(purchases.purchased_at AS DATE)
        AND (
            policy_point_purchase_credits.valid_to IS NULL
            OR CAST(purchases.purchased_at AS DATE) < policy_point_purchase_credits.valid_to
        )
),

earned AS (
    SELECT due.lot_id, due.customer_id, due.points
    FROM due
    WHERE due.points > 0
),

accounted AS (
    SELECT point_entries.lot_id, point_entries.customer_id, point_entries.points
    FROM point_entries
    WHERE point_entries.kind = 'purchase'
    UNION ALL
    SELECT
        point_exceptions.source_id AS lot_id,
        point_exceptions.customer_id,
        point_exceptions.points
    FROM point_exceptions
    WHERE point_exceptions.kind = 'purchase'
)

SELECT
    CAST(COALESCE(earned.lot_id, accounted.lot_id) AS VARCHAR) AS lot_id,
    CAST(earned.points AS BIGINT) AS earned,
    CAST(accounted.points AS BIGINT) AS accounted_for
FROM earned
FULL JOIN accounted
    ON earned.lot_id = accounted.lot_id
    AND earned.customer_id = accounted.customer_id
WHERE earned.points IS DISTINCT FROM accounted.points
ORDER BY lot_id
