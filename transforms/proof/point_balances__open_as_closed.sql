-- purpose: A period opens with what each customer had at the close of the one before
-- grain: one row per customer of whom that is not so; none where the claim holds
-- keys: customer_id
-- inputs: point_balances(customer_id, opening), opening_balances(customer_id, closing)
-- policy: none
-- rules: P11
SELECT
    CAST(COALESCE(point_balances.customer_id, opening_balances.customer_id) AS VARCHAR)
        AS customer_id,
    CAST(opening_balances.closing AS BIGINT) AS closed_with,
    CAST(point_balances.opening AS BIGINT) AS opening
FROM point_balances
FULL JOIN opening_balances
    ON point_balances.customer_id = opening_balances.customer_id
WHERE COALESCE(point_balances.opening, 0) <> COALESCE(opening_balances.closing, 0)
ORDER BY customer_id
