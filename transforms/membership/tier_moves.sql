-- purpose: How customers moved between the tiers of the year before and of this one, and why
-- grain: one row per tier before, tier, tier by fee, and why
-- keys: tier_before, tier, fee_tier, why
-- inputs: tier_snapshot(customer_id, annual_fee, fee_tier, tier),
--   tiers_before(customer_id, fee_tier, tier), tier_scale(tier, place, points_before, points_after)
-- policy: none
-- rules: T9, G1
WITH before AS (
    SELECT COUNT(*) AS customers
    FROM tiers_before
),

both_years AS (
    SELECT
        tiers_before.tier AS tier_before,
        tier_snapshot.tier,
        tiers_before.fee_tier AS fee_tier_before,
        tier_snapshot.fee_tier,
        COUNT(*) AS customers,
        SUM(COALESCE(tier_snapshot.annual_fee, 0)) AS annual_fee
    FROM tier_snapshot
    FULL JOIN tiers_before ON tier_snapshot.customer_id = tiers_before.customer_id
    GROUP BY
        tiers_before.tier,
        tier_snapshot.tier,
        tiers_before.fee_tier,
        tier_snapshot.fee_tier
),

moves AS (
    SELECT
        both_years.tier_before,
        both_years.tier,
        both_years.fee_tier,
        CASE
            WHEN before.customers = 0 THEN NULL
            WHEN both_years.tier_before IS NULL THEN 'came'
            WHEN both_years.tier IS NULL THEN 'left'
            WHEN both_years.tier = both_years.tier_before THEN 'same'
            WHEN tiers_after.place > places_before.place
                AND fees_after.place > fees_before.place
                THEN 'fee_up'
            WHEN tiers_after.place < places_before.place
                AND fees_after.place < fees_before.place
                THEN 'fee_down'
            ELSE 'tenure'
        END AS why,
        both_years.customers,
        both_years.annual_fee,
        both_years.customers * COALESCE(places_before.points_before, 0) AS points_before,
        both_years.customers * COALESCE(tiers_after.points_after, 0) AS points_after
    FROM both_years
    CROSS JOIN before
    LEFT JOIN tier_scale AS places_before ON both_years.tier_before = places_before.tier
    LEFT JOIN tier_scale AS tiers_after ON both_years.tier = tiers_after.tier
    LEFT JOIN tier_scale AS fees_before ON both_years.fee_tier_before = fees_before.tier
    LEFT JOIN tier_scale AS fees_after ON both_years.fee_tier = fees_after.tier
)

SELECT
    CAST(moves.tier_before AS VARCHAR) AS tier_before,
    CAST(moves.tier AS VARCHAR) AS tier,
    CAST(moves.fee_tier AS VARCHAR) AS fee_tier,
    CAST(moves.why AS VARCHAR) AS why,
    CAST(SUM(moves.customers) AS BIGINT) AS customers,
    CAST(SUM(moves.annual_fee) AS BIGINT) AS annual_fee,
    CAST(SUM(moves.points_before) AS BIGINT) AS points_before,
    CAST(SUM(moves.points_after) AS BIGINT) AS points_after
FROM moves
GROUP BY moves.tier_before, moves.tier, moves.fee_tier, moves.why
ORDER BY tier_before, tier, fee_tier, why
