-- purpose: The customer's spans of membership as they would be if they held the day of use
-- grain: one row per span of membership
-- keys: customer_id, joined_on
-- inputs: replayed_customers_spans(customer_id, joined_on, terminated_on, counts_from,
--   counts_until), redemption_if_member(said, used_on)
-- policy: none
-- rules: P4, R1
SELECT
    CAST(replayed_customers_spans.customer_id AS VARCHAR) AS customer_id,
    CAST(
        CASE
            WHEN redemption_if_member.said = 'not_yet'
                THEN LEAST(replayed_customers_spans.joined_on, redemption_if_member.used_on)
            ELSE replayed_customers_spans.joined_on
        END
        AS DATE
    ) AS joined_on,
    CAST(
        CASE
            WHEN redemption_if_member.said = 'not_yet'
                THEN replayed_customers_spans.terminated_on
        END
        AS DATE
    ) AS terminated_on,
    CAST(replayed_customers_spans.counts_from AS DATE) AS counts_from,
    CAST(replayed_customers_spans.counts_until AS DATE) AS counts_until
FROM replayed_customers_spans
CROSS JOIN redemption_if_member
