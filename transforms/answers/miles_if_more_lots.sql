-- purpose: The lots before the month, and one of so many miles more from the day of the request on
-- grain: one row per lot
-- keys: lot_id
-- inputs: replayed_opening_mileage_lots(lot_id, member_id, credited_on, expires_on, credited, remaining),
--   miles_event(member_id, on_day), miles_if_more(miles)
-- policy: none
-- rules: W5, X2
WITH lots AS (
    SELECT
        replayed_opening_mileage_lots.lot_id,
        replayed_opening_mileage_lots.member_id,
        replayed_opening_mileage_lots.credited_on,
        replayed_opening_mileage_lots.expires_on,
        replayed_opening_mileage_lots.credited,
        replayed_opening_mileage_lots.remaining
    FROM replayed_opening_mileage_lots
    UNION ALL
    SELECT
        'difference' AS lot_id,
        miles_event.member_id,
        miles_event.on_day AS credited_on,
        CAST(NULL AS DATE) AS expires_on,
        miles_if_more.miles AS credited,
        miles_if_more.miles AS remaining
    FROM miles_event
    CROSS JOIN miles_if_more
)

SELECT
    CAST(lots.lot_id AS VARCHAR) AS lot_id,
    CAST(lots.member_id AS VARCHAR) AS member_id,
    CAST(lots.credited_on AS DATE) AS credited_on,
    CAST(lots.expires_on AS DATE) AS expires_on,
    CAST(lots.credited AS BIGINT) AS credited,
    CAST(lots.remaining AS BIGINT) AS remaining
FROM lots
