-- purpose: What lapses in a month at the end of a period is what lapsed in it before, and what moved
-- grain: one row per month of credit and of expiry of which that is not so; none where the claim
--   holds
-- keys: credited_month, expires_month
-- inputs: mileage_movements(credited_month, expires_month, miles),
--   opening_mileage_lots(credited_on, expires_on, remaining),
--   mileage_lots(credited_on, expires_on, remaining)
-- policy: none
-- rules: F4, P11
WITH lots AS (
    SELECT
        opening_mileage_lots.credited_on,
        opening_mileage_lots.expires_on,
        opening_mileage_lots.remaining AS miles
    FROM opening_mileage_lots
    UNION ALL
    SELECT
        mileage_lots.credited_on,
        mileage_lots.expires_on,
        -mileage_lots.remaining AS miles
    FROM mileage_lots
),

-- by day first, as there are far fewer days than lots
by_day AS (
    SELECT
        lots.credited_on,
        lots.expires_on,
        SUM(lots.miles) AS miles
    FROM lots
    GROUP BY lots.credited_on, lots.expires_on
),

compared AS (
    SELECT
        strftime(by_day.credited_on, '%Y-%m') AS credited_month,
        strftime(by_day.expires_on, '%Y-%m') AS expires_month,
        by_day.miles
    FROM by_day
    UNION ALL
    SELECT
        mileage_movements.credited_month,
        mileage_movements.expires_month,
        mileage_movements.miles
    FROM mileage_movements
)

SELECT
    CAST(compared.credited_month AS VARCHAR) AS credited_month,
    CAST(compared.expires_month AS VARCHAR) AS expires_month,
    CAST(SUM(compared.miles) AS BIGINT) AS miles
FROM compared
GROUP BY compared.credited_month, compared.expires_month
HAVING SUM(compared.miles) <> 0
ORDER BY credited_month, expires_month
