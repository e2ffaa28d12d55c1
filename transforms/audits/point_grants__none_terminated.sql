-- purpose: No one who had left on or before the credit day is granted points
-- grain: one row per such grant; none where the claim holds
-- keys: customer_id
-- inputs: point_grants(customer_id), customers(customer_id, terminated_on), run_context(granted_on)
-- policy: none
-- rules: G1
SELECT
    CAST(point_grants.customer_id AS VARCHAR) AS customer_id,
    CAST(customers.terminated_on AS DATE) AS terminated_on
FROM point_grants
INNER JOIN customers ON point_grants.customer_id = customers.customer_id
CROSS JOIN run_context
WHERE customers.terminated_on <= run_context.granted_on
ORDER BY customer_id
