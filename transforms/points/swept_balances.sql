-- purpose: Each customer's points from opening to closing as the sweep leaves them, in the order of
--   point_balances
-- grain: one row per customer with a lot before the sweep
-- keys: customer_id
-- inputs: sweep_decisions(customer_id, expires_on, remaining, extended_to, decision),
--   run_context(last_day)
-- policy: none
-- rules: P9, P11
WITH lots AS (
    SELECT
        sweep_decisions.customer_id,
        sweep_decisions.remaining AS opening,
        CASE
            WHEN sweep_decisions.decision IS DISTINCT FROM 'expiry' THEN sweep_decisions.remaining
            ELSE 0
        END AS closing,
        CASE
            WHEN sweep_decisions.decision = 'extension' THEN sweep_decisions.extended_to
            ELSE sweep_decisions.expires_on
        END AS expires_on
    FROM sweep_decisions
)

SELECT
    CAST(lots.customer_id AS VARCHAR) AS customer_id,
    CAST(SUM(lots.opening) AS BIGINT) AS opening,
    CAST(0 AS BIGINT) AS credited,
    CAST(0 AS BIGINT) AS spent,
    CAST(0 AS BIGINT) AS restored,
    CAST(SUM(lots.opening - lots.closing) AS BIGINT) AS expired,
    CAST(SUM(lots.closing) AS BIGINT) AS closing,
    CAST(
        SUM(CASE WHEN lots.expires_on > run_context.last_day THEN lots.closing ELSE 0 END)
        AS BIGINT
    ) AS usable
FROM lots
CROSS JOIN run_context
GROUP BY lots.customer_id
ORDER BY customer_id
