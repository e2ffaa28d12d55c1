-- purpose: Who came has no tier before, who left none now, who is the same has the same one; others
--   moved, up or down as their fee, or by tenure; nothing is told without a year before
-- grain: one row per move of which that is not so; none where the claim holds
-- keys: tier_before, tier, fee_tier, why
-- inputs: tier_moves(tier_before, tier, fee_tier, why, points_before, points_after),
--   tiers_before(tier), tier_scale(tier, place)
-- policy: none
-- rules: T9
WITH before AS (
    SELECT COUNT(tiers_before.tier) > 0 AS known
    FROM tiers_before
),

moves AS (
    SELECT
        tier_moves.tier_before,
        tier_moves.tier,
        tier_moves.fee_tier,
        tier_moves.why,
        tier_moves.points_before,
        tier_moves.points_after,
        before.known,
        places_after.place - places_before.place AS places_up
    FROM tier_moves
    CROSS JOIN before
    LEFT JOIN tier_scale AS places_before ON tier_moves.tier_before = places_before.tier
    LEFT JOIN tier_scale AS places_after ON tier_moves.tier = places_after.tier
)

SELECT
    CAST(moves.tier_before AS VARCHAR) AS tier_before,
    CAST(moves.tier AS VARCHAR) AS tier,
    CAST(moves.fee_tier AS VARCHAR) AS fee_tier,
    CAST(moves.why AS VARCHAR) AS why
FROM moves
WHERE (moves.why IS NOT NULL) <> moves.known
    OR (moves.tier IS NULL) <> (moves.fee_tier IS NULL)
    OR (moves.tier_before IS NULL AND moves.points_before <> 0)
    OR (moves.tier IS NULL AND moves.points_after <> 0)
    OR (
        moves.known
        AND CASE
            WHEN moves.places_up IS NULL THEN CASE
                WHEN moves.tier_before IS NULL THEN moves.why <> 'came'
                ELSE moves.why <> 'left'
            END
            WHEN moves.places_up = 0 THEN moves.why <> 'same'
            WHEN moves.places_up > 0 THEN moves.why NOT IN ('fee_up', 'tenure')
            ELSE moves.why NOT IN ('fee_down', 'tenure')
        END
    )
ORDER BY tier_before, tier, fee_tier, why
