-- purpose: Whether the programme was open on the day of the payment, and when it is
-- grain: one row, none for an unknown member
-- keys: none
-- inputs: mixed_payment(paid_on, reason),
--   policy_mixed_payment_programme(open, valid_from, valid_to)
-- policy: mixed_payment_programme
-- rules: X1
WITH programme AS (
    SELECT
        MIN(policy_mixed_payment_programme.valid_from) AS opens_on,
        MAX(CAST(policy_mixed_payment_programme.valid_to - INTERVAL 1 DAY AS DATE)) AS closes_on
    FROM policy_mixed_payment_programme
    WHERE policy_mixed_payment_programme.open
)

SELECT
    CAST(
        CASE mixed_payment.reason WHEN 'outside_programme' THEN 'outside' ELSE 'open' END AS VARCHAR
    ) AS said,
    CAST(mixed_payment.reason IS DISTINCT FROM 'outside_programme' AS BOOLEAN) AS passed,
    CAST(mixed_payment.paid_on AS DATE) AS paid_on,
    CAST(programme.opens_on AS DATE) AS opens_on,
    CAST(programme.closes_on AS DATE) AS closes_on
FROM mixed_payment
CROSS JOIN programme
WHERE mixed_payment.reason IS DISTINCT FROM 'unknown_member'
