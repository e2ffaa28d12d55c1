-- purpose: Each customer's points from opening to closing as the month leaves them, in the order of
--   point_balances
-- grain: one row per customer with a lot or an entry in the month
-- keys: customer_id
-- inputs: folded_accounts(customer_id, opening, came, taken, given_back, closing, usable)
-- policy: none
-- rules: P11
SELECT
    CAST(folded_accounts.customer_id AS VARCHAR) AS customer_id,
    CAST(folded_accounts.opening AS BIGINT) AS opening,
    CAST(folded_accounts.came AS BIGINT) AS credited,
    CAST(folded_accounts.taken AS BIGINT) AS spent,
    CAST(folded_accounts.given_back AS BIGINT) AS restored,
    CAST(0 AS BIGINT) AS expired,
    CAST(folded_accounts.closing AS BIGINT) AS closing,
    CAST(folded_accounts.usable AS BIGINT) AS usable
FROM folded_accounts
-- a used up lot that a cancellation might have given back to is at hand as well
WHERE folded_accounts.opening > 0
    OR folded_accounts.came > 0
    OR folded_accounts.taken > 0
    OR folded_accounts.given_back > 0
