-- purpose: Each customer's points from opening to closing, and what can still be used
-- grain: one row per customer with a lot or an entry in the period
-- keys: customer_id
-- inputs: opening_lots(customer_id, remaining), point_entries(customer_id, kind, points),
--   point_lots(customer_id, expires_on, remaining), run_context(last_day)
-- policy: none
-- rules: P11
WITH movements AS (
    -- rows of all three are added up once: adding up each first takes 1.4 times the CPU
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
        point_entries.customer_id,
        0 AS opening,
        CASE
            WHEN point_entries.kind IN ('membership', 'payment', 'promotion', 'purchase')
                THEN point_entries.points
            ELSE 0
        END AS credited,
        CASE
            WHEN point_entries.kind IN ('redemption', 'refund') THEN -point_entries.points
            ELSE 0
        END AS spent,
        CASE WHEN point_entries.kind = 'cancellation' THEN point_entries.points ELSE 0 END
            AS restored,
        CASE WHEN point_entries.kind = 'expiry' THEN -point_entries.points ELSE 0 END AS expired,
        0 AS closing,
        0 AS usable
    FROM point_entries
    UNION ALL
    SELECT
        point_lots.customer_id,
        0 AS opening,
        0 AS credited,
        0 AS spent,
        0 AS restored,
        0 AS expired,
        point_lots.remaining AS closing,
        CASE WHEN point_lots.expires_on > run_context.last_day THEN point_lots.remaining ELSE 0 END
            AS usable
    FROM point_lots
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
