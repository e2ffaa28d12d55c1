-- purpose: the customers whose collected amounts of the window add up to more than 64 bits
--   hold, so that a failed assessment can name them
-- grain: one row per such customer
-- keys: customer_id
-- inputs: billing(customer_id, billing_month, collected_amount),
--   run_context(window_from, window_to)
-- policy: none
-- rules: T3
WITH fees AS (
    SELECT
        billing.customer_id,
        SUM(CAST(billing.collected_amount AS DECIMAL(38, 0))) AS annual_fee
    FROM billing
    WHERE billing.billing_month >= (SELECT run_context.window_from FROM run_context)
        AND billing.billing_month <= (SELECT run_context.window_to FROM run_context)
    GROUP BY billing.customer_id
)

SELECT
    CAST(fees.customer_id AS VARCHAR) AS customer_id,
    CAST(fees.annual_fee AS DECIMAL(38, 0)) AS annual_fee
FROM fees
WHERE TRY_CAST(fees.annual_fee AS BIGINT) IS NULL
ORDER BY customer_id
