-- purpose: The miles that the flight earned, and the lot that they are
-- grain: one row, none where it earned none
-- keys: none
-- inputs: flight_asked(flight_date, distance, rate, miles, reason), asked(asked_id),
--   replayed_mileage_credits(lot_id, expires_on)
-- policy: none
-- rules: F1, F4
SELECT
    CAST(
        CASE
            WHEN replayed_mileage_credits.lot_id IS NULL THEN 'nothing'
            WHEN replayed_mileage_credits.expires_on IS NULL THEN 'forever'
            ELSE 'until'
        END
        AS VARCHAR
    ) AS said,
    CAST(flight_asked.miles AS BIGINT) AS outcome,
    CAST(flight_asked.distance AS BIGINT) AS distance,
    CAST(flight_asked.rate AS BIGINT) AS rate,
    CAST(replayed_mileage_credits.lot_id AS VARCHAR) AS lot_id,
    CAST(replayed_mileage_credits.expires_on AS DATE) AS expires_on,
    CAST(flight_asked.flight_date AS DATE) AS flight_date
FROM flight_asked
CROSS JOIN asked
LEFT JOIN replayed_mileage_credits
    ON replayed_mileage_credits.lot_id = 'flight:' || asked.asked_id
WHERE flight_asked.reason IS NULL
