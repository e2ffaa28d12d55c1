-- purpose: The lots that the mileage ledger opens with, as an older system hands them over
-- grain: one row per lot
-- keys: lot_id
-- inputs: delivered_lots(lot_id, owner, credited_on, expires_on, remaining)
-- policy: none
-- rules: P12
SELECT
    CAST(delivered_lots.lot_id AS VARCHAR) AS lot_id,
    CAST(delivered_lots.owner AS VARCHAR) AS member_id,
    CAST(delivered_lots.credited_on AS DATE) AS credited_on,
    CAST(delivered_lots.expires_on AS DATE) AS expires_on,
    -- what was credited once is not told, so a lot starts with what is left of it
    CAST(delivered_lots.remaining AS BIGINT) AS credited,
    CAST(delivered_lots.remaining AS BIGINT) AS remaining,
    CAST(FALSE AS BOOLEAN) AS lapses
FROM delivered_lots
