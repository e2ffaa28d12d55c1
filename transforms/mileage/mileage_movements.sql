-- purpose: A month's movements of miles, added up so that a report need not read the entries
-- grain: one row per kind of lot, month of credit and of expiry, and movement
-- keys: lot_kind, credited_month, expires_month, movement
-- inputs: mileage_entries(member_id, lot_id, kind, miles),
--   mileage_lots_at_hand(lot_id, credited_on, expires_on)
-- policy: none
-- rules: F4, W5, X2, P11
WITH moved AS (
    SELECT
        mileage_entries.member_id,
        mileage_entries.lot_id,
        CAST(DATE_TRUNC('month', mileage_lots_at_hand.credited_on) AS DATE) AS credited_in,
        CAST(DATE_TRUNC('month', mileage_lots_at_hand.expires_on) AS DATE) AS expires_in,
        CASE WHEN mileage_entries.kind = 'flight' THEN 'credit' ELSE mileage_entries.kind END
            AS movement,
        mileage_entries.miles
    FROM mileage_entries
    INNER JOIN mileage_lots_at_hand ON mileage_entries.lot_id = mileage_lots_at_hand.lot_id
),

of_lots AS (
    -- by lot, then by member: counting both as distinct takes more memory
    SELECT
        moved.member_id,
        moved.lot_id,
        moved.credited_in,
        moved.expires_in,
        moved.movement,
        SUM(moved.miles) AS miles
    FROM moved
    GROUP BY
        moved.member_id,
        moved.lot_id,
        moved.credited_in,
        moved.expires_in,
        moved.movement
),

of_members AS (
    SELECT
        of_lots.member_id,
        of_lots.credited_in,
        of_lots.expires_in,
        of_lots.movement,
        COUNT(*) AS lots,
        SUM(of_lots.miles) AS miles
    FROM of_lots
    GROUP BY of_lots.member_id, of_lots.credited_in, of_lots.expires_in, of_lots.movement
)

SELECT
    -- the only kind that there is
    CAST('flight' AS VARCHAR) AS lot_kind,
    CAST(strftime(of_members.credited_in, '%Y-%m') AS VARCHAR) AS credited_month,
    CAST(strftime(of_members.expires_in, '%Y-%m') AS VARCHAR) AS expires_month,
    CAST(of_members.movement AS VARCHAR) AS movement,
    CAST(SUM(of_members.lots) AS BIGINT) AS lots,
    CAST(COUNT(*) AS BIGINT) AS members,
    CAST(SUM(of_members.miles) AS BIGINT) AS miles
FROM of_members
GROUP BY of_members.credited_in, of_members.expires_in, of_members.movement
ORDER BY lot_kind, credited_month, expires_month, movement
