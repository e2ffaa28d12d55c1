-- purpose: No one is told who is not known, or had left on or before the day
-- grain: one row per such notice; none where the claim holds
-- keys: customer_id, expires_on, cause
-- inputs: expiry_notices(customer_id, expires_on, cause),
--   customers_spans(customer_id, terminated_on, counts_from, counts_until), run_context(noticed_on)
-- policy: none
-- rules: P10, R1
SELECT
    CAST(expiry_notices.customer_id AS VARCHAR) AS customer_id,
    CAST(expiry_notices.expires_on AS DATE) AS expires_on,
    CAST(expiry_notices.cause AS VARCHAR) AS cause
FROM expiry_notices
CROSS JOIN run_context
LEFT JOIN customers_spans
    ON expiry_notices.customer_id = customers_spans.customer_id
    AND (
        customers_spans.counts_from IS NULL
        OR customers_spans.counts_from <= run_context.noticed_on
    )
    AND (
        customers_spans.counts_until IS NULL
        OR run_context.noticed_on < customers_spans.counts_until
    )
WHERE customers_spans.customer_id IS NULL
    OR customers_spans.terminated_on <= run_context.noticed_on
ORDER BY customer_id, expires_on, cause
