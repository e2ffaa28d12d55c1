-- purpose: Each lot holds what it held before the month and what its entries moved
-- grain: one row per lot of which that is not so
-- keys: lot_id
-- inputs: opening_mileage_lots(lot_id, member_id, remaining),
--   mileage_entries(lot_id, member_id, miles), mileage_lots(lot_id, member_id, remaining)
-- policy: none
-- rules: P11, P12
WITH movements AS (
    SELECT
        opening_mileage_lots.lot_id,
        opening_mileage_lots.member_id,
        opening_mileage_lots.remaining AS before_and_moved,
        0 AS closing
    FROM opening_mileage_lots
    UNION ALL
    SELECT
        mileage_entries.lot_id,
        mileage_entries.member_id,
        mileage_entries.miles AS before_and_moved,
        0 AS closing
    FROM mileage_entries
    UNION ALL
    SELECT
        mileage_lots.lot_id,
        mileage_lots.member_id,
        0 AS before_and_moved,
        mileage_lots.remaining AS closing
    FROM mileage_lots
)

SELECT
    CAST(movements.lot_id AS VARCHAR) AS lot_id,
    CAST(movements.member_id AS VARCHAR) AS member_id,
    CAST(SUM(movements.before_and_moved) AS BIGINT) AS before_and_moved,
    CAST(SUM(movements.closing) AS BIGINT) AS closing
FROM movements
GROUP BY movements.lot_id, movements.member_id
HAVING SUM(movements.before_and_moved) <> SUM(movements.closing)
ORDER BY lot_id, member_id
