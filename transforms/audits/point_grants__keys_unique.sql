-- purpose: No customer has two rows in point_grants
-- grain: one row per customer with more than one row; none where the claim holds
-- keys: customer_id
-- inputs: point_grants(customer_id)
-- policy: none
-- rules: G1, Q1
SELECT
    CAST(point_grants.customer_id AS VARCHAR) AS customer_id,
    CAST(COUNT(*) AS BIGINT) AS copies
FROM point_grants
GROUP BY point_grants.customer_id
HAVING COUNT(*) > 1
ORDER BY customer_id
