-- purpose: No customer has two rows in tier_exceptions
-- grain: one row per customer with more than one row; none where the claim holds
-- keys: customer_id
-- inputs: tier_exceptions(customer_id)
-- policy: none
-- rules: T7, Q1
SELECT
    CAST(tier_exceptions.customer_id AS VARCHAR) AS customer_id,
    CAST(COUNT(*) AS BIGINT) AS copies
FROM tier_exceptions
GROUP BY tier_exceptions.customer_id
HAVING COUNT(*) > 1
ORDER BY customer_id
