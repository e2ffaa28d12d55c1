-- purpose: A ledger opens with the delivered lots, with what is left of each, and with no other
-- grain: one row per lot of which that is not so; none where the claim holds
-- keys: lot_id
-- inputs: delivered_lots(lot_id, credited_on, expires_on, remaining),
--   opened_lots(lot_id, credited_on, expires_on, remaining)
-- policy: none
-- rules: P11, P12
SELECT
    CAST(COALESCE(delivered_lots.lot_id, opened_lots.lot_id) AS VARCHAR) AS lot_id,
    CAST(delivered_lots.remaining AS BIGINT) AS delivered,
    CAST(opened_lots.remaining AS BIGINT) AS opened
FROM delivered_lots
FULL JOIN opened_lots ON delivered_lots.lot_id = opened_lots.lot_id
WHERE delivered_lots.remaining IS DISTINCT FROM opened_lots.remaining
    OR delivered_lots.credited_on IS DISTINCT FROM opened_lots.credited_on
    OR delivered_lots.expires_on IS DISTINCT FROM opened_lots.expires_on
ORDER BY lot_id
