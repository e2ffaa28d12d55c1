-- purpose: What is left of a lot is above 0 and no more than was credited, and it has not lapsed
-- grain: one row per lot of which that is not so
-- keys: lot_id
-- inputs: mileage_lots(lot_id, credited_on, expires_on, credited, remaining), run_context(day_after)
-- policy: none
-- rules: F4, P11
SELECT
    CAST(mileage_lots.lot_id AS VARCHAR) AS lot_id,
    CAST(mileage_lots.credited_on AS DATE) AS credited_on,
    CAST(mileage_lots.expires_on AS DATE) AS expires_on,
    CAST(mileage_lots.credited AS BIGINT) AS credited,
    CAST(mileage_lots.remaining AS BIGINT) AS remaining
FROM mileage_lots
CROSS JOIN run_context
WHERE mileage_lots.remaining <= 0
    OR mileage_lots.remaining > mileage_lots.credited
    OR mileage_lots.credited_on >= run_context.day_after
    OR (MONTH(run_context.day_after) = 1 AND mileage_lots.expires_on < run_context.day_after)
ORDER BY lot_id
