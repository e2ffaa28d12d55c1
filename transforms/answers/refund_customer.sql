-- purpose: Whether the applicant is known
-- grain: one row
-- keys: none
-- inputs: refund_request(reason)
-- policy: none
-- rules: P6
SELECT
    CAST(COALESCE(refund_request.reason <> 'unknown_customer', TRUE) AS BOOLEAN) AS passed,
    CAST(
        CASE WHEN refund_request.reason = 'unknown_customer' THEN 'unknown' ELSE 'known' END
        AS VARCHAR
    ) AS said
FROM refund_request
