-- purpose: A credit goes to nobody only where its customer is not known
-- grain: one row per such credit of a known customer; none where the claim holds
-- keys: source_id
-- inputs: point_exceptions(source_id, customer_id), customers(customer_id)
-- policy: none
-- rules: P1
SELECT
    CAST(point_exceptions.source_id AS VARCHAR) AS source_id,
    CAST(point_exceptions.customer_id AS VARCHAR) AS customer_id
FROM point_exceptions
INNER JOIN customers ON point_exceptions.customer_id = customers.customer_id
ORDER BY source_id
