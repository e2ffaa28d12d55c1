-- purpose: The period's control totals: all customers' balances added up
-- grain: one row
-- keys: none
-- inputs: point_balances(opening, credited, spent, restored, expired, closing, usable)
-- policy: none
-- rules: P11
SELECT
    CAST(COUNT(*) AS BIGINT) AS customers,
    CAST(COALESCE(SUM(point_balances.opening), 0) AS BIGINT) AS opening,
    CAST(COALESCE(SUM(point_balances.credited), 0) AS BIGINT) AS credited,
    CAST(COALESCE(SUM(point_balances.spent), 0) AS BIGINT) AS spent,
    CAST(COALESCE(SUM(point_balances.restored), 0) AS BIGINT) AS restored,
    CAST(COALESCE(SUM(point_balances.expired), 0) AS BIGINT) AS expired,
    CAST(COALESCE(SUM(point_balances.closing), 0) AS BIGINT) AS closing,
    CAST(COALESCE(SUM(point_balances.usable), 0) AS BIGINT) AS usable
FROM point_balances
