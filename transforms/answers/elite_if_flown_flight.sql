-- purpose: An international flight on the last day of the year that counts for the status, of one mile a
--   mile, and one of the least
-- grain: one row
-- keys: none
-- inputs: replayed_run_context(day_after), replayed_airports(airport, country),
--   policy_home_country(country, valid_from, valid_to),
--   policy_accrual_rates(booking_class, rate, valid_from, valid_to),
--   policy_mileage_carriers(carrier, earns, qualifies, valid_from, valid_to)
-- policy: home_country, accrual_rates, mileage_carriers
-- rules: F1, F3, E2
WITH days AS (
    SELECT CAST(replayed_run_context.day_after - INTERVAL 1 DAY AS DATE) AS flight_date
    FROM replayed_run_context
),

homes AS (
    SELECT policy_home_country.country
    FROM policy_home_country
    CROSS JOIN days
    WHERE policy_home_country.valid_from <= days.flight_date
        AND (
            policy_home_country.valid_to IS NULL
            OR days.flight_date < policy_home_country.valid_to
        )
),

ends AS (
    SELECT
        MIN(CASE WHEN replayed_airports.country = homes.country THEN replayed_airports.airport END)
            AS origin,
        MIN(CASE WHEN replayed_airports.country <> homes.country THEN replayed_airports.airport END)
            AS destination
    FROM replayed_airports
    CROSS JOIN homes
),

rates AS (
    SELECT policy_accrual_rates.booking_class, policy_accrual_rates.rate
    FROM policy_accrual_rates
    CROSS JOIN days
    WHERE policy_accrual_rates.valid_from <= days.flight_date
        AND (
            policy_accrual_rates.valid_to IS NULL
            OR days.flight_date < policy_accrual_rates.valid_to
        )
),

classes AS (
    SELECT
        MIN(CASE WHEN rates.rate = 100 THEN rates.booking_class END) AS whole_class,
        MIN(CASE WHEN rates.rate = least.rate THEN rates.booking_class END) AS least_class
    FROM rates
    CROSS JOIN (SELECT MIN(rates.rate) AS rate FROM rates) AS least
),

carriers AS (
    SELECT MIN(policy_mileage_carriers.carrier) AS carrier
    FROM policy_mileage_carriers
    CROSS JOIN days
    WHERE policy_mileage_carriers.earns
        AND policy_mileage_carriers.qualifies
        AND policy_mileage_carriers.valid_from <= days.flight_date
        AND (
            policy_mileage_carriers.valid_to IS NULL
            OR days.flight_date < policy_mileage_carriers.valid_to
        )
)

SELECT
    CAST(days.flight_date AS DATE) AS flight_date,
    CAST(carriers.carrier AS VARCHAR) AS operating_carrier,
    CAST(ends.origin AS VARCHAR) AS origin,
    CAST(ends.destination AS VARCHAR) AS destination,
    CAST(classes.whole_class AS VARCHAR) AS whole_class,
    CAST(classes.least_class AS VARCHAR) AS least_class
FROM days
CROSS JOIN ends
CROSS JOIN classes
CROSS JOIN carriers
