-- purpose: What moved adds up to what the balances closed with less what they opened with
-- grain: one row with both where they differ; none where the claim holds
-- keys: none
-- inputs: mileage_movements(miles), mileage_balances(opening, closing)
-- policy: none
-- rules: P11
WITH movements AS (
    SELECT COALESCE(SUM(mileage_movements.miles), 0) AS miles
    FROM mileage_movements
),

balances AS (
    SELECT COALESCE(SUM(mileage_balances.closing - mileage_balances.opening), 0) AS miles
    FROM mileage_balances
)

SELECT
    CAST(movements.miles AS BIGINT) AS moved,
    CAST(balances.miles AS BIGINT) AS closed_less_opened
FROM movements
CROSS JOIN balances
WHERE movements.miles <> balances.miles
