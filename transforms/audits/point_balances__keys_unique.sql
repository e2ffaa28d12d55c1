-- purpose: No customer has two rows in point_balances
-- grain: one row per customer with more than one row; none where the claim holds
-- keys: customer_id
-- inputs: point_balances(customer_id)
-- policy: none
-- rules: P11, Q1
SELECT
    CAST(point_balances.customer_id AS VARCHAR) AS customer_id,
    CAST(COUNT(*) AS BIGINT) AS copies
FROM point_balances
GROUP BY point_balances.customer_id
HAVING COUNT(*) > 1
ORDER BY customer_id
