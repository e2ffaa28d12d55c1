-- purpose: Every entry is of a lot that exists, and spends it between its credit and its expiry
-- grain: one row per entry of which that is not so
-- keys: lot_id, source_id, kind
-- inputs: mileage_entries(member_id, lot_id, source_id, kind, occurred_at, miles),
--   mileage_lots_at_hand(lot_id, member_id, credited_on, expires_on)
-- policy: none
-- rules: F4, X2, P11
SELECT
    CAST(mileage_entries.lot_id AS VARCHAR) AS lot_id,
    CAST(mileage_entries.source_id AS VARCHAR) AS source_id,
    CAST(mileage_entries.kind AS VARCHAR) AS kind,
    CAST(mileage_entries.occurred_at AS TIMESTAMP) AS occurred_at,
    CAST(mileage_entries.miles AS BIGINT) AS miles
FROM mileage_entries
LEFT JOIN mileage_lots_at_hand
    ON mileage_entries.lot_id = mileage_lots_at_hand.lot_id
    AND mileage_entries.member_id = mileage_lots_at_hand.member_id
WHERE mileage_lots_at_hand.lot_id IS NULL
    OR CAST(mileage_entries.occurred_at AS DATE) < mileage_lots_at_hand.credited_on
    OR CAST(mileage_entries.occurred_at AS DATE) > mileage_lots_at_hand.expires_on
    OR (mileage_entries.kind = 'flight') <> (mileage_entries.miles > 0)
ORDER BY lot_id, source_id, kind
