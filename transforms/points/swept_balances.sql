-- purpose: Each customer's points from opening to closing as the sweep leaves them, in the order of
--   point_balances
-- grain: one row per customer with a lot before the sweep
-- keys: customer_id
-- inputs: opening_lots(customer_id, remaining), entries_in_order(customer_id, kind, points),
--   lots_in_order(customer_id, expires_on, remaining), run_context(last_day)
-- policy: none
-- rules: P11
WITH movements AS (
    SELECT
        opening_lots.customer_id,
        opening_lots.remaining AS opening,
        0 AS credited,
        0 AS spent,
        0 AS restored,
        0 AS expired,
        0 AS closing,
        0 AS usable
    FROM opening_lots
    UNION ALL
    SELECT
        entries_in_order.customer_id,
        0 AS opening,
        CASE
            WHEN entries_in_order.kind IN ('membership', 'payment', 'promotion', 'purchase')
                THEN entries_in_order.points
            ELSE 0
        END AS credited,
        CASE
            WHEN entries_in_order.kind IN ('redemption', 'refund') THEN -entries_in_order.points
            ELSE 0
        END AS spent,
        CASE WHEN entries_in_order.kind = 'cancellation' THEN entries_in_order.points ELSE 0 END
            AS restored,
        CASE WHEN entries_in_order.kind = 'expiry' THEN -entries_in_order.points ELSE 0 END AS expired,
        0 AS closing,
        0 AS usable
    FROM entries_in_order
    UNION ALL
    SELECT
        lots_in_order.customer_id,
        0 AS opening,
        0 AS credited,
        0 AS spent,
        0 AS restored,
        0 AS expired,
        lots_in_order.remaining AS closing,
        CASE
            WHEN lots_in_order.expires_on > run_context.last_day THEN lots_in_order.remaining
            ELSE 0
        END AS usable
    FROM lots_in_order
    CROSS JOIN run_context
)

SELECT
    CAST(movements.customer_id AS VARCHAR) AS customer_id,
    CAST(SUM(movements.opening) AS BIGINT) AS opening,
    CAST(SUM(movements.credited) AS BIGINT) AS credited,
    CAST(SUM(movements.spent) AS BIGINT) AS spent,
    CAST(SUM(movements.restored) AS BIGINT) AS restored,
    CAST(SUM(movements.expired) AS BIGINT) AS expired,
    CAST(SUM(movements.closing) AS BIGINT) AS closing,
    CAST(SUM(movements.usable) AS BIGINT) AS usable
FROM movements
GROUP BY movements.customer_id
ORDER BY customer_id
