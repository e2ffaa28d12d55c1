-- purpose: What each customer was credited, spent, got back and lost is what the entries say
-- grain: one row per customer of whom that is not so; none where the claim holds
-- keys: customer_id
-- inputs: point_balances(customer_id, credited, spent, restored, expired),
--   point_entries(customer_id, kind, points)
-- policy: none
-- rules: P11
WITH moved AS (
    SELECT
        point_entries.customer_id,
        SUM(
            CASE
                WHEN point_entries.kind IN ('membership', 'payment', 'promotion', 'purchase')
                    THEN point_entries.points
                ELSE 0
            END
        ) AS credited,
        SUM(
            CASE
                WHEN point_entries.kind IN ('redemption', 'refund') THEN -point_entries.points
                ELSE 0
            END
        ) AS spent,
        SUM(CASE WHEN point_entries.kind = 'cancellation' THEN point_entries.points ELSE 0 END)
            AS restored,
        SUM(CASE WHEN point_entries.kind = 'expiry' THEN -point_entries.points ELSE 0 END)
            AS expired
    FROM point_entries
    GROUP BY point_entries.customer_id
)

SELECT
    CAST(COALESCE(point_balances.customer_id, moved.customer_id) AS VARCHAR) AS customer_id,
    CAST(point_balances.credited AS BIGINT) AS credited,
    CAST(moved.credited AS BIGINT) AS entered_credits,
    CAST(point_balances.spent AS BIGINT) AS spent,
    CAST(moved.spent AS BIGINT) AS entered_spending,
    CAST(point_balances.restored AS BIGINT) AS restored,
    CAST(moved.restored AS BIGINT) AS entered_restoring,
    CAST(point_balances.expired AS BIGINT) AS expired,
    CAST(moved.expired AS BIGINT) AS entered_expiry
FROM point_balances
FULL JOIN moved ON point_balances.customer_id = moved.customer_id
WHERE point_balances.customer_id IS NULL
    OR point_balances.credited <> COALESCE(moved.credited, 0)
    OR point_balances.spent <> COALESCE(moved.spent, 0)
    OR point_balances.restored <> COALESCE(moved.restored, 0)
    OR point_balances.expired <> COALESCE(moved.expired, 0)
ORDER BY customer_id
