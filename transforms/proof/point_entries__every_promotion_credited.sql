-- purpose: Every delivered promotion of the month is a lot of as many points, or an exception, and
--   no other promotion is
-- grain: one row per promotion of which that is not so; none where the claim holds
-- keys: lot_id
-- inputs: point_entries(lot_id, customer_id, kind, points),
--   point_exceptions(source_id, customer_id, kind, points),
--   promotions(promotion_credit_id, customer_id, points)
-- policy: none
-- rules: P1
WITH due AS (
    SELECT
        'promotion:' || promotions.promotion_credit_id AS lot_id,
        promotions.customer_id,
        promotions.points
    FROM promotions
),

accounted AS (
    SELECT point_entries.lot_id, point_entries.customer_id, point_entries.points
    FROM point_entries
    WHERE point_entries.kind = 'promotion'
    UNION ALL
    SELECT
        point_exceptions.source_id AS lot_id,
        point_exceptions.customer_id,
        point_exceptions.points
    FROM point_exceptions
    WHERE point_exceptions.kind = 'promotion'
)

SELECT
    CAST(COALESCE(due.lot_id, accounted.lot_id) AS VARCHAR) AS lot_id,
    CAST(due.points AS BIGINT) AS delivered,
    CAST(accounted.points AS BIGINT) AS accounted_for
FROM due
FULL JOIN accounted
    ON due.lot_id = accounted.lot_id
    AND due.customer_id = accounted.customer_id
WHERE due.points IS DISTINCT FROM accounted.points
ORDER BY lot_id
