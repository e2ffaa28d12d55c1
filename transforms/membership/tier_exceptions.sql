-- purpose: What was paid on counting lines that no assessed customer owns, with the reason
-- grain: one row per customer with counting lines in the window but no row in tier_snapshot
-- keys: customer_id
-- inputs: counting_fees(customer_id, annual_fee, lines),
--   customers_spans(customer_id, joined_on, terminated_on, counts_from, counts_until),
--   run_context(assessed_on)
-- policy: none
-- rules: T6, T7, R1
WITH owners AS (
    SELECT
        counting_fees.customer_id,
        counting_fees.annual_fee,
        counting_fees.lines,
        CASE
            WHEN customers_spans.customer_id IS NULL THEN 'unknown_customer'
            WHEN customers_spans.joined_on > run_context.assessed_on THEN 'not_joined'
            WHEN customers_spans.terminated_on <= run_context.assessed_on THEN 'terminated'
        END AS reason
    FROM counting_fees
    CROSS JOIN run_context
    LEFT JOIN customers_spans
        ON counting_fees.customer_id = customers_spans.customer_id
        AND (
            customers_spans.counts_from IS NULL
            OR customers_spans.counts_from <= run_context.assessed_on
        )
        AND (
            customers_spans.counts_until IS NULL
            OR run_context.assessed_on < customers_spans.counts_until
        )
)

SELECT
    CAST(owners.customer_id AS VARCHAR) AS customer_id,
    CAST(owners.reason AS VARCHAR) AS reason,
    CAST(owners.annual_fee AS BIGINT) AS amount,
    CAST(owners.lines AS BIGINT) AS lines
FROM owners
WHERE owners.reason IS NOT NULL
ORDER BY customer_id
