-- purpose: The lots that the month leaves, in the order in which they are spent
-- grain: one row per lot
-- keys: lot_id
-- inputs: published_mileage_lots(lot_id, credited_on, expires_on, credited, remaining)
-- policy: none
-- rules: F4, X2
SELECT
    CAST(
        CASE WHEN published_mileage_lots.expires_on IS NULL THEN 'forever' ELSE 'until' END
        AS VARCHAR
    ) AS said,
    CAST(published_mileage_lots.lot_id AS VARCHAR) AS lot_id,
    CAST(published_mileage_lots.credited_on AS DATE) AS credited_on,
    CAST(published_mileage_lots.expires_on AS DATE) AS expires_on,
    CAST(published_mileage_lots.credited AS BIGINT) AS credited,
    CAST(published_mileage_lots.remaining AS BIGINT) AS remaining
FROM published_mileage_lots
ORDER BY credited_on, lot_id
