-- purpose: What a flight earns and counts for the status by itself, whoever flew it, or why it does
--   not
-- grain: one row per current flight of the span
-- keys: activity_id
-- inputs: flights(activity_id, member_id, flight_date, operating_carrier, origin, destination,
--   booking_class, ticket_type, flown, distance_miles),
--   routes(origin, destination, zone, half_flights, miles, distance_source, least_plausible,
--   greatest_plausible, valid_from, valid_until),
--   policy_accrual_rates(booking_class, rate, valid_from, valid_to),
--   policy_mileage_carriers(carrier, earns, qualifies, valid_from, valid_to),
--   run_context(first_day, day_after)
-- policy: accrual_rates, mileage_carriers
-- rules: F1, F2, F3, E2
WITH rates AS (
    SELECT
        policy_accrual_rates.booking_class,
        policy_accrual_rates.rate,
        policy_accrual_rates.valid_from,
        COALESCE(policy_accrual_rates.valid_to, run_context.day_after) AS valid_until
    FROM policy_accrual_rates
    CROSS JOIN run_context
    WHERE policy_accrual_rates.valid_from < run_context.day_after
        AND (
            policy_accrual_rates.valid_to IS NULL
            OR policy_accrual_rates.valid_to > run_context.first_day
        )
),

earning_carriers AS (
    SELECT
        policy_mileage_carriers.carrier,
        policy_mileage_carriers.qualifies,
        policy_mileage_carriers.valid_from,
        COALESCE(policy_mileage_carriers.valid_to, run_context.day_after) AS valid_until
    FROM policy_mileage_carriers
    CROSS JOIN run_context
    WHERE policy_mileage_carriers.earns
        AND policy_mileage_carriers.valid_from < run_context.day_after
        AND (
            policy_mileage_carriers.valid_to IS NULL
            OR policy_mileage_carriers.valid_to > run_context.first_day
        )
),

assessed_flights AS (
    SELECT
        flights.activity_id,
        flights.member_id,
        flights.flight_date,
        flights.origin,
        flights.destination,
        flights.booking_class,
        COALESCE(flights.distance_miles, routes.miles) AS distance,
        CASE
            WHEN flights.distance_miles IS NOT NULL THEN 'delivered'
            ELSE routes.distance_source
        END AS distance_source,
        COALESCE(
            flights.distance_miles < routes.least_plausible
            OR flights.distance_miles > routes.greatest_plausible,
            FALSE
        ) AS distance_suspect,
        rates.rate,
        routes.half_flights,
        earning_carriers.qualifies,
        -- what a flight must be to earn, each by itself, so that the engine can filter early
        flights.flown,
        flights.ticket_type <> 'award' AS is_paid,
        earning_carriers.carrier IS NOT NULL AS is_own,
        rates.rate IS NOT NULL AS is_listed,
        routes.zone IS NOT NULL AS has_airports
    FROM flights
    LEFT JOIN routes
        ON flights.origin = routes.origin
        AND flights.destination = routes.destination
        AND flights.flight_date >= routes.valid_from
        AND flights.flight_date < routes.valid_until
    LEFT JOIN rates
        ON flights.booking_class = rates.booking_class
        AND flights.flight_date >= rates.valid_from
        AND flights.flight_date < rates.valid_until
    LEFT JOIN earning_carriers
        ON flights.operating_carrier = earning_carriers.carrier
        AND flights.flight_date >= earning_carriers.valid_from
        AND flights.flight_date < earning_carriers.valid_until
)

SELECT
    CAST(assessed_flights.activity_id AS VARCHAR) AS activity_id,
    CAST(assessed_flights.member_id AS VARCHAR) AS member_id,
    CAST(assessed_flights.flight_date AS DATE) AS flight_date,
    CAST(assessed_flights.origin AS VARCHAR) AS origin,
    CAST(assessed_flights.destination AS VARCHAR) AS destination,
    CAST(assessed_flights.booking_class AS VARCHAR) AS booking_class,
    CAST(assessed_flights.distance AS BIGINT) AS distance,
    CAST(assessed_flights.distance_source AS VARCHAR) AS distance_source,
    CAST(assessed_flights.distance_suspect AS BOOLEAN) AS distance_suspect,
    CAST(assessed_flights.rate AS BIGINT) AS rate,
    -- distance × rate / 100, rounded half up in whole numbers
    CAST(
        (2 * assessed_flights.distance * assessed_flights.rate + 100) // (2 * 100) AS BIGINT
    ) AS miles,
    CAST(assessed_flights.half_flights AS BIGINT) AS half_flights,
    CAST(assessed_flights.qualifies AS BOOLEAN) AS counts,
    CAST(
        assessed_flights.flown
        AND assessed_flights.is_paid
        AND assessed_flights.is_own
        AND assessed_flights.is_listed
        AND assessed_flights.has_airports
        AS BOOLEAN
    ) AS earns,
    CAST(
        CASE
            WHEN NOT assessed_flights.flown THEN 'not_flown'
            WHEN NOT assessed_flights.is_paid THEN 'award_ticket'
            WHEN NOT assessed_flights.is_own THEN 'partner_carrier'
            WHEN NOT assessed_flights.is_listed THEN 'unlisted_class'
            WHEN NOT assessed_flights.has_airports THEN 'unknown_airport'
        END AS VARCHAR
    ) AS reason
FROM assessed_flights
