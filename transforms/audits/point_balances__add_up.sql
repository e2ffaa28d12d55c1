-- purpose: opening + credited - spent + restored - expired = closing, for each customer; of closing
--   no more is usable than there is, and nothing is below 0
-- grain: one row per customer of whom that is not so; none where the claim holds
-- keys: customer_id
-- inputs: point_balances(customer_id, opening, credited, spent, restored, expired, closing, usable)
-- policy: none
-- rules: P11
SELECT
    CAST(point_balances.customer_id AS VARCHAR) AS customer_id,
    CAST(point_balances.opening AS BIGINT) AS opening,
    CAST(point_balances.credited AS BIGINT) AS credited,
    CAST(point_balances.spent AS BIGINT) AS spent,
    CAST(point_balances.restored AS BIGINT) AS restored,
    CAST(point_balances.expired AS BIGINT) AS expired,
    CAST(point_balances.closing AS BIGINT) AS closing,
    CAST(point_balances.usable AS BIGINT) AS usable
FROM point_balances
WHERE point_balances.opening + point_balances.credited - point_balances.spent
    + point_balances.restored - point_balances.expired
    IS DISTINCT FROM point_balances.closing
    OR point_balances.usable > point_balances.closing
    OR LEAST(
        point_balances.opening,
        point_balances.credited,
        point_balances.spent,
        point_balances.restored,
        point_balances.expired,
        point_balances.closing,
        point_balances.usable
    ) < 0
ORDER BY customer_id
