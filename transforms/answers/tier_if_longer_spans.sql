-- purpose: The customer's spans of membership as they would be had each begun so many years earlier
-- grain: one row per span of membership
-- keys: customer_id, joined_on
-- inputs: replayed_customers_spans(customer_id, joined_on, terminated_on, counts_from, counts_until),
--   tier_if_longer(years)
-- policy: none
-- rules: T5, R1
SELECT
    CAST(replayed_customers_spans.customer_id AS VARCHAR) AS customer_id,
    -- the first of the month, which every year has: early enough for the same day
    CAST(
        MAKE_DATE(
            YEAR(replayed_customers_spans.joined_on) - tier_if_longer.years,
            MONTH(replayed_customers_spans.joined_on),
            1
        )
        AS DATE
    ) AS joined_on,
    CAST(replayed_customers_spans.terminated_on AS DATE) AS terminated_on,
    CAST(replayed_customers_spans.counts_from AS DATE) AS counts_from,
    CAST(replayed_customers_spans.counts_until AS DATE) AS counts_until
FROM replayed_customers_spans
CROSS JOIN tier_if_longer
ORDER BY customer_id, joined_on
