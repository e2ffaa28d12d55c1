-- purpose: Each customer's points from opening to closing, and what can still be used
-- grain: one row per customer with a lot or an entry in the period
-- keys: customer_id
-- inputs: balances_in_order(customer_id, opening, credited, spent, restored, expired, closing, usable)
-- policy: none
-- rules: P11
SELECT
    CAST(balances_in_order.customer_id AS VARCHAR) AS customer_id,
    CAST(balances_in_order.opening AS BIGINT) AS opening,
    CAST(balances_in_order.credited AS BIGINT) AS credited,
    CAST(balances_in_order.spent AS BIGINT) AS spent,
    CAST(balances_in_order.restored AS BIGINT) AS restored,
    CAST(balances_in_order.expired AS BIGINT) AS expired,
    CAST(balances_in_order.closing AS BIGINT) AS closing,
    CAST(balances_in_order.usable AS BIGINT) AS usable
FROM balances_in_order
