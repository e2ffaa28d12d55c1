-- purpose: The lots of the members with requests in the month, in the order that the fold reads
-- grain: one row per lot of a member with a request
-- keys: lot_id
-- inputs: mileage_lots_at_hand(lot_id, member_id, credited_on, expires_on, credited, remaining),
--   mileage_accounts(member_id, account)
-- policy: none
-- rules: X2
SELECT
    CAST(mileage_accounts.account AS BIGINT) AS account,
    CAST(mileage_lots_at_hand.lot_id AS VARCHAR) AS lot_id,
    CAST(mileage_lots_at_hand.member_id AS VARCHAR) AS member_id,
    CAST(mileage_lots_at_hand.credited_on AS DATE) AS credited_on,
    CAST(mileage_lots_at_hand.expires_on AS DATE) AS expires_on,
    CAST(mileage_lots_at_hand.credited AS BIGINT) AS credited,
    CAST(mileage_lots_at_hand.remaining AS BIGINT) AS remaining,
    -- miles are neither refunded nor given back, and no policy changes their expiry
    CAST(NULL AS DATE) AS changes_on,
    CAST(NULL AS DATE) AS changed_expires_on,
    CAST(FALSE AS BOOLEAN) AS refundable,
    CAST(NULL AS BIGINT) AS tag
FROM mileage_lots_at_hand
INNER JOIN mileage_accounts ON mileage_lots_at_hand.member_id = mileage_accounts.member_id
ORDER BY
    mileage_accounts.account,
    mileage_lots_at_hand.credited_on,
    mileage_lots_at_hand.lot_id
