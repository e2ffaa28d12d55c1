-- purpose: Whether the application matched what was on record of the applicant; never by what not
-- grain: one row where the check before it passed, none else
-- keys: none
-- inputs: refund_request(reason, applied_at), refund_customer(passed)
-- policy: none
-- rules: P6, R2
SELECT
    CAST(COALESCE(refund_request.reason <> 'identity_mismatch', TRUE) AS BOOLEAN) AS passed,
    CAST(
        CASE WHEN refund_request.reason = 'identity_mismatch' THEN 'mismatch' ELSE 'match' END
        AS VARCHAR
    ) AS said,
    CAST(refund_request.applied_at AS TIMESTAMP) AS applied_at
FROM refund_request
INNER JOIN refund_customer ON refund_customer.passed
