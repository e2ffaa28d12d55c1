-- purpose: The lots that the miles were taken from, the oldest first
-- grain: one row per lot, none for what was rejected
-- keys: lot_id
-- inputs: miles_event(source_id, kind), published_mileage_entries(lot_id, source_id, kind, miles),
--   replayed_mileage_lots_at_hand(lot_id, credited_on)
-- policy: none
-- rules: X2
SELECT
    CAST(published_mileage_entries.lot_id AS VARCHAR) AS lot_id,
    CAST(replayed_mileage_lots_at_hand.credited_on AS DATE) AS credited_on,
    CAST(-published_mileage_entries.miles AS BIGINT) AS miles
FROM miles_event
INNER JOIN published_mileage_entries
    ON miles_event.source_id = published_mileage_entries.source_id
    AND miles_event.kind = published_mileage_entries.kind
INNER JOIN replayed_mileage_lots_at_hand
    ON published_mileage_entries.lot_id = replayed_mileage_lots_at_hand.lot_id
ORDER BY credited_on, lot_id
