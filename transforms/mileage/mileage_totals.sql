-- purpose: What all members' miles came to, for the run's summary
-- grain: one row
-- keys: none
-- inputs: mileage_balances(opening, credited, spent, expired, closing)
-- policy: none
-- rules: P11
SELECT
    CAST(COUNT(*) AS BIGINT) AS members,
    CAST(COALESCE(SUM(mileage_balances.opening), 0) AS BIGINT) AS opening,
    CAST(COALESCE(SUM(mileage_balances.credited), 0) AS BIGINT) AS credited,
    CAST(COALESCE(SUM(mileage_balances.spent), 0) AS BIGINT) AS spent,
    CAST(COALESCE(SUM(mileage_balances.expired), 0) AS BIGINT) AS expired,
    CAST(COALESCE(SUM(mileage_balances.closing), 0) AS BIGINT) AS closing
FROM mileage_balances
