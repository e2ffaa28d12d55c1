-- purpose: The lots with miles left at the end of the month
-- grain: one row per lot with miles left at the end of the month
-- keys: lot_id
-- inputs: mileage_lots_after_requests(lot_id, member_id, credited_on, expires_on, credited,
--   remaining, lapses)
-- policy: none
-- rules: F4, X2, P12
SELECT
    CAST(mileage_lots_after_requests.lot_id AS VARCHAR) AS lot_id,
    CAST(mileage_lots_after_requests.member_id AS VARCHAR) AS member_id,
    CAST(mileage_lots_after_requests.credited_on AS DATE) AS credited_on,
    CAST(mileage_lots_after_requests.expires_on AS DATE) AS expires_on,
    CAST(mileage_lots_after_requests.credited AS BIGINT) AS credited,
    CAST(mileage_lots_after_requests.remaining AS BIGINT) AS remaining
FROM mileage_lots_after_requests
WHERE mileage_lots_after_requests.remaining <> 0
    AND NOT mileage_lots_after_requests.lapses
ORDER BY member_id, lot_id
