-- purpose: No customer, expiry date and cause has two rows in expiry_notices
-- grain: one row per customer, expiry date and cause with more than one row; none where it holds
-- keys: customer_id, expires_on, cause
-- inputs: expiry_notices(customer_id, expires_on, cause)
-- policy: none
-- rules: P10, Q1
SELECT
    CAST(expiry_notices.customer_id AS VARCHAR) AS customer_id,
    CAST(expiry_notices.expires_on AS DATE) AS expires_on,
    CAST(expiry_notices.cause AS VARCHAR) AS cause,
    CAST(COUNT(*) AS BIGINT) AS copies
FROM expiry_notices
GROUP BY expiry_notices.customer_id, expiry_notices.expires_on, expiry_notices.cause
HAVING COUNT(*) > 1
ORDER BY customer_id, expires_on, cause
