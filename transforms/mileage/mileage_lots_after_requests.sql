-- purpose: The lots as the requests leave them, and whether they lapse with the month
-- grain: one row per lot, empty ones too
-- keys: lot_id
-- inputs: folded_mileage_lots(lot_id, member_id, credited_on, expires_on, credited, remaining),
--   mileage_lots_at_hand(lot_id, member_id, credited_on, expires_on, credited, remaining),
--   mileage_accounts(member_id), run_context(day_after)
-- policy: none
-- rules: F4, X2, P12
WITH lots AS (
    SELECT
        folded_mileage_lots.lot_id,
        folded_mileage_lots.member_id,
        folded_mileage_lots.credited_on,
        folded_mileage_lots.expires_on,
        folded_mileage_lots.credited,
        folded_mileage_lots.remaining
    FROM folded_mileage_lots
    UNION ALL
    SELECT
        mileage_lots_at_hand.lot_id,
        mileage_lots_at_hand.member_id,
        mileage_lots_at_hand.credited_on,
        mileage_lots_at_hand.expires_on,
        mileage_lots_at_hand.credited,
        mileage_lots_at_hand.remaining
    FROM mileage_lots_at_hand
    WHERE NOT EXISTS (
            SELECT 1
            FROM mileage_accounts
            WHERE mileage_accounts.member_id = mileage_lots_at_hand.member_id
        )
)

SELECT
    CAST(lots.lot_id AS VARCHAR) AS lot_id,
    CAST(lots.member_id AS VARCHAR) AS member_id,
    CAST(lots.credited_on AS DATE) AS credited_on,
    CAST(lots.expires_on AS DATE) AS expires_on,
    CAST(lots.credited AS BIGINT) AS credited,
    CAST(lots.remaining AS BIGINT) AS remaining,
    -- miles expire at the end of a year, and so at the December close
    CAST(
        COALESCE(lots.expires_on < run_context.day_after, FALSE)
        AND MONTH(run_context.day_after) = 1
        AS BOOLEAN
    ) AS lapses
FROM lots
CROSS JOIN run_context
