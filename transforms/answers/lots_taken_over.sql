-- purpose: The lots of an older system that ledgers were opened with
-- grain: one row per lot
-- keys: none
-- inputs: taken_over_point_lots(period, kind, credited_on, expires_on, remaining),
--   taken_over_mileage_lots(month, credited_on, expires_on, remaining)
-- policy: none
-- rules: P12
-- kept: table
WITH lots AS (
    SELECT
        'points' AS ledger,
        taken_over_point_lots.period,
        taken_over_point_lots.kind,
        taken_over_point_lots.credited_on,
        taken_over_point_lots.expires_on,
        taken_over_point_lots.remaining
    FROM taken_over_point_lots
    UNION ALL
    SELECT
        'miles' AS ledger,
        taken_over_mileage_lots.month AS period,
        'flight' AS kind,
        taken_over_mileage_lots.credited_on,
        taken_over_mileage_lots.expires_on,
        taken_over_mileage_lots.remaining
    FROM taken_over_mileage_lots
)

SELECT
    CAST(lots.ledger AS VARCHAR) AS ledger,
    CAST(lots.period AS VARCHAR) AS period,
    CAST(lots.kind AS VARCHAR) AS kind,
    CAST(lots.credited_on AS DATE) AS credited_on,
    CAST(lots.expires_on AS DATE) AS expires_on,
    CAST(lots.remaining AS BIGINT) AS remaining
FROM lots
