-- purpose: The day of payment: so many business days after the application, with the days between
--   that are none
-- grain: one row for an accepted application, none else
-- keys: none
-- inputs: refund_request(pay_on, applied_on, business_days, status)
-- policy: none
-- rules: P6
SELECT
    CAST(refund_request.pay_on AS DATE) AS outcome,
    CAST(refund_request.applied_on AS DATE) AS applied_on,
    CAST(refund_request.business_days AS BIGINT) AS business_days,
    CAST(
        date_diff('day', refund_request.applied_on, refund_request.pay_on)
        - refund_request.business_days
        AS BIGINT
    ) AS days_between
FROM refund_request
WHERE refund_request.status = 'accepted'
