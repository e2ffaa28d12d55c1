-- purpose: No one is told who is not known, or had left on or before the day
-- grain: one row per such notice; none where the claim holds
-- keys: customer_id, expires_on, cause
-- inputs: expiry_notices(customer_id, expires_on, cause), customers(customer_id, terminated_on),
--   run_context(noticed_on)
-- policy: none
-- rules: P10
SELECT
    CAST(expiry_notices.customer_id AS VARCHAR) AS customer_id,
    CAST(expiry_notices.expires_on AS DATE) AS expires_on,
    CAST(expiry_notices.cause AS VARCHAR) AS cause
FROM expiry_notices
CROSS JOIN run_context
LEFT JOIN customers ON expiry_notices.customer_id = customers.customer_id
WHERE customers.customer_id IS NULL OR customers.terminated_on <= run_context.noticed_on
ORDER BY customer_id, expires_on, cause
