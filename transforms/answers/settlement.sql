-- purpose: What accepted refunds pay out, by the day on which it is paid
-- grain: one row per day of payment and method
-- keys: pay_on, method
-- inputs: refund_results(customer_id, points, method, fee, amount_krw, pay_on, status),
--   run_context(least)
-- policy: none
-- rules: B2, P6
WITH paid AS (
    SELECT
        refund_results.pay_on,
        refund_results.method,
        COUNT(DISTINCT refund_results.customer_id) AS customers,
        SUM(refund_results.points) AS points,
        SUM(refund_results.fee) AS fee_krw,
        SUM(refund_results.amount_krw) AS amount_krw
    FROM refund_results
    WHERE refund_results.status = 'accepted'
    GROUP BY refund_results.pay_on, refund_results.method
)

SELECT
    CAST(paid.pay_on AS DATE) AS pay_on,
    CAST(paid.method AS VARCHAR) AS method,
    CAST(CASE WHEN paid.customers >= run_context.least THEN paid.customers END AS BIGINT)
        AS customers,
    CAST(paid.points AS BIGINT) AS points,
    CAST(paid.fee_krw AS BIGINT) AS fee_krw,
    CAST(paid.amount_krw AS BIGINT) AS amount_krw
FROM paid
CROSS JOIN run_context
ORDER BY pay_on, method
