-- purpose: Whether the customer is known and was a member on the day of use
-- grain: one row for a redemption, none for a cancellation
-- keys: none
-- inputs: redemption_request(reason, used_on, customer_id, action),
--   replayed_customers_spans(joined_on, terminated_on, customer_id, counts_from, counts_until)
-- policy: none
-- rules: P4, R1
SELECT
    CAST(
        CASE
            WHEN redemption_request.reason = 'unknown_customer' THEN 'unknown_customer'
            WHEN redemption_request.reason IS DISTINCT FROM 'not_a_member' THEN 'member'
            WHEN redemption_request.used_on < replayed_customers_spans.joined_on THEN 'not_yet'
            ELSE 'no_longer'
        END
        AS VARCHAR
    ) AS said,
    CAST(
        COALESCE(redemption_request.reason NOT IN ('unknown_customer', 'not_a_member'), TRUE)
        AS BOOLEAN
    ) AS passed,
    CAST(redemption_request.used_on AS DATE) AS used_on,
    CAST(replayed_customers_spans.joined_on AS DATE) AS joined_on,
    CAST(replayed_customers_spans.terminated_on AS DATE) AS terminated_on
FROM redemption_request
LEFT JOIN replayed_customers_spans
    ON redemption_request.customer_id = replayed_customers_spans.customer_id
    AND (
        replayed_customers_spans.counts_from IS NULL
        OR replayed_customers_spans.counts_from <= redemption_request.used_on
    )
    AND (
        replayed_customers_spans.counts_until IS NULL
        OR redemption_request.used_on < replayed_customers_spans.counts_until
    )
WHERE redemption_request.action = 'spend'
