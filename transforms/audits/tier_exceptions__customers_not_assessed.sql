-- purpose: No customer is both assessed and an exception
-- grain: one row per customer in both tables; none where the claim holds
-- keys: customer_id
-- inputs: tier_exceptions(customer_id, reason, amount), tier_snapshot(customer_id)
-- policy: none
-- rules: T6, T7
SELECT
    CAST(tier_exceptions.customer_id AS VARCHAR) AS customer_id,
    CAST(tier_exceptions.reason AS VARCHAR) AS reason,
    CAST(tier_exceptions.amount AS BIGINT) AS amount
FROM tier_exceptions
WHERE EXISTS (
        SELECT 1
        FROM tier_snapshot
        WHERE tier_snapshot.customer_id = tier_exceptions.customer_id
    )
ORDER BY customer_id
