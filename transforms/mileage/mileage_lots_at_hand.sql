-- purpose: Every lot that the month may move: those left by the month before, and its flights'
-- grain: one row per lot
-- keys: lot_id
-- inputs: opening_mileage_lots(lot_id, member_id, credited_on, expires_on, credited, remaining),
--   mileage_credits(lot_id, member_id, credited_on, expires_on, credited)
-- policy: none
-- rules: F4, X2, P12
WITH lots AS (
    SELECT
        opening_mileage_lots.lot_id,
        opening_mileage_lots.member_id,
        opening_mileage_lots.credited_on,
        opening_mileage_lots.expires_on,
        opening_mileage_lots.credited,
        opening_mileage_lots.remaining
    FROM opening_mileage_lots
    UNION ALL
    SELECT
        mileage_credits.lot_id,
        mileage_credits.member_id,
        mileage_credits.credited_on,
        mileage_credits.expires_on,
        mileage_credits.credited,
        mileage_credits.credited AS remaining
    FROM mileage_credits
)

SELECT
    CAST(lots.lot_id AS VARCHAR) AS lot_id,
    CAST(lots.member_id AS VARCHAR) AS member_id,
    CAST(lots.credited_on AS DATE) AS credited_on,
    CAST(lots.expires_on AS DATE) AS expires_on,
    CAST(lots.credited AS BIGINT) AS credited,
    CAST(lots.remaining AS BIGINT) AS remaining
FROM lots
