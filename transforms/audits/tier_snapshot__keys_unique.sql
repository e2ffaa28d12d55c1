-- purpose: No customer has two rows in tier_snapshot
-- grain: one row per customer with more than one row; none where the claim holds
-- keys: customer_id
-- inputs: tier_snapshot(customer_id)
-- policy: none
-- rules: T6, Q1
SELECT
    CAST(tier_snapshot.customer_id AS VARCHAR) AS customer_id,
    CAST(COUNT(*) AS BIGINT) AS copies
FROM tier_snapshot
GROUP BY tier_snapshot.customer_id
HAVING COUNT(*) > 1
ORDER BY customer_id
