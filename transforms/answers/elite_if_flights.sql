-- purpose: The international flights more with which they alone give the next status
-- grain: one row, none where flights give no higher one
-- keys: none
-- inputs: elite_by_flights(short),
--   policy_qualifying_flights(zone, half_flights, valid_from, valid_to),
--   elite_if_flown_flight(flight_date)
-- policy: qualifying_flights
-- rules: E2, E3
SELECT
    CAST(
        (MIN(elite_by_flights.short) + MIN(policy_qualifying_flights.half_flights) - 1)
        // MIN(policy_qualifying_flights.half_flights)
        AS BIGINT
    ) AS flights
FROM elite_by_flights
CROSS JOIN elite_if_flown_flight
INNER JOIN policy_qualifying_flights
    ON policy_qualifying_flights.zone = 'international'
    AND policy_qualifying_flights.valid_from <= elite_if_flown_flight.flight_date
    AND (
        policy_qualifying_flights.valid_to IS NULL
        OR elite_if_flown_flight.flight_date < policy_qualifying_flights.valid_to
    )
HAVING MIN(elite_by_flights.short) IS NOT NULL
