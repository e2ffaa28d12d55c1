-- purpose: The balances' totals are those of the lots before and after, and of the entries
-- grain: one row with the totals where they differ; none where the claim holds
-- keys: none
-- inputs: mileage_balances(opening, credited, spent, expired, closing),
--   opening_mileage_lots(remaining), mileage_entries(miles), mileage_lots(remaining)
-- policy: none
-- rules: P11
WITH balances AS (
    SELECT
        COALESCE(SUM(mileage_balances.opening), 0) AS opening,
        COALESCE(
            SUM(mileage_balances.credited - mileage_balances.spent - mileage_balances.expired), 0
        ) AS moved,
        COALESCE(SUM(mileage_balances.closing), 0) AS closing
    FROM mileage_balances
),

lots_before AS (
    SELECT COALESCE(SUM(opening_mileage_lots.remaining), 0) AS miles
    FROM opening_mileage_lots
),

entries AS (
    SELECT COALESCE(SUM(mileage_entries.miles), 0) AS miles
    FROM mileage_entries
),

lots_after AS (
    SELECT COALESCE(SUM(mileage_lots.remaining), 0) AS miles
    FROM mileage_lots
)

SELECT
    CAST(balances.opening AS BIGINT) AS opening,
    CAST(lots_before.miles AS BIGINT) AS lots_before,
    CAST(balances.moved AS BIGINT) AS moved,
    CAST(entries.miles AS BIGINT) AS entries,
    CAST(balances.closing AS BIGINT) AS closing,
    CAST(lots_after.miles AS BIGINT) AS lots_after
FROM balances
CROSS JOIN lots_before
CROSS JOIN entries
CROSS JOIN lots_after
WHERE balances.opening <> lots_before.miles
    OR balances.moved <> entries.miles
    OR balances.closing <> lots_after.miles
