-- purpose: What the sweep took, why, and when its owner was told with what lead, or that never
-- grain: one row per lot that the sweep took
-- keys: lot_id
-- inputs: published_expiry_sweep(noticed_month, untold, points, lot_id, cause, expires_on),
--   published_expiry_notices(lead_months, reachable, month, cause, expires_on),
--   points_lots(credited_on, lot_id)
-- policy: none
-- rules: P9, P10
SELECT
    CAST(
        CASE
            WHEN published_expiry_sweep.noticed_month IS NULL THEN 'never_told'
            WHEN published_expiry_notices.lead_months IS NULL THEN 'told'
            ELSE 'told_ahead'
        END
        AS VARCHAR
    ) AS said,
    CAST(published_expiry_sweep.points AS BIGINT) AS outcome,
    CAST(published_expiry_sweep.lot_id AS VARCHAR) AS lot_id,
    CAST(published_expiry_sweep.cause AS VARCHAR) AS cause,
    CAST(published_expiry_sweep.expires_on AS DATE) AS expires_on,
    CAST(published_expiry_sweep.noticed_month AS VARCHAR) AS noticed_month,
    CAST(published_expiry_sweep.untold AS VARCHAR) AS untold,
    CAST(published_expiry_notices.lead_months AS BIGINT) AS lead_months,
    CAST(published_expiry_notices.reachable AS BOOLEAN) AS reachable,
    CAST(points_lots.credited_on AS DATE) AS credited_on
FROM published_expiry_sweep
LEFT JOIN published_expiry_notices
    ON published_expiry_sweep.noticed_month = published_expiry_notices.month
    AND published_expiry_sweep.cause = published_expiry_notices.cause
    AND (
        published_expiry_sweep.cause = 'inactivity'
        OR published_expiry_sweep.expires_on = published_expiry_notices.expires_on
    )
INNER JOIN points_lots ON published_expiry_sweep.lot_id = points_lots.lot_id
ORDER BY expires_on, lot_id
