-- purpose: The lots that the month's flights make
-- grain: one row per flight of the month that earned miles
-- keys: lot_id
-- inputs: mileage_accruals(activity_id, member_id, flight_date, miles),
--   policy_mileage_validity(years, valid_from, valid_to)
-- policy: mileage_validity
-- rules: F4
SELECT
    CAST('flight:' || mileage_accruals.activity_id AS VARCHAR) AS lot_id,
    CAST(mileage_accruals.member_id AS VARCHAR) AS member_id,
    CAST(mileage_accruals.flight_date AS DATE) AS credited_on,
    -- to the end of the year in which the validity ends; none where no validity is set
    CAST(
        LAST_DAY(
            MAKE_DATE(
                YEAR(mileage_accruals.flight_date) + policy_mileage_validity.years, 12, 1
            )
        ) AS DATE
    ) AS expires_on,
    CAST(mileage_accruals.miles AS BIGINT) AS credited
FROM mileage_accruals
INNER JOIN policy_mileage_validity
    ON mileage_accruals.flight_date >= policy_mileage_validity.valid_from
    AND (
        policy_mileage_validity.valid_to IS NULL
        OR mileage_accruals.flight_date < policy_mileage_validity.valid_to
    )
WHERE mileage_accruals.miles > 0
