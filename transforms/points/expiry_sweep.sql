-- purpose: What the sweep took, why, and when its owner was told
-- grain: one row per lot that the sweep took
-- keys: lot_id
-- inputs: sweep_decisions(lot_id, customer_id, kind, remaining, expires_on, decision, cause),
--   expiry_notices(month, customer_id, expires_on, cause), run_context(year)
-- policy: none
-- rules: P9, P10
WITH latest_notices AS (
    SELECT
        expiry_notices.customer_id,
        expiry_notices.expires_on,
        expiry_notices.cause,
        MAX(expiry_notices.month) AS month
    FROM expiry_notices
    CROSS JOIN run_context
    WHERE expiry_notices.cause <> 'inactivity'
        OR YEAR(expiry_notices.expires_on) = run_context.year
    GROUP BY expiry_notices.customer_id, expiry_notices.expires_on, expiry_notices.cause
)

SELECT
    CAST(sweep_decisions.lot_id AS VARCHAR) AS lot_id,
    CAST(sweep_decisions.customer_id AS VARCHAR) AS customer_id,
    CAST(sweep_decisions.kind AS VARCHAR) AS kind,
    CAST(sweep_decisions.remaining AS BIGINT) AS points,
    CAST(sweep_decisions.expires_on AS DATE) AS expires_on,
    CAST(sweep_decisions.cause AS VARCHAR) AS cause,
    CAST(latest_notices.month AS VARCHAR) AS noticed_month
FROM sweep_decisions
LEFT JOIN latest_notices
    ON sweep_decisions.customer_id = latest_notices.customer_id
    AND sweep_decisions.cause = latest_notices.cause
    AND (
        sweep_decisions.cause = 'inactivity'
        OR sweep_decisions.expires_on = latest_notices.expires_on
    )
WHERE sweep_decisions.decision = 'expiry'
ORDER BY customer_id, lot_id
