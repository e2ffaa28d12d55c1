-- purpose: A purchase on the last day of the year
-- grain: one row
-- keys: purchase_id
-- inputs: asked(customer_id), points_if_active(swept_on)
-- policy: none
-- rules: P9
SELECT
    CAST('activity' AS VARCHAR) AS purchase_id,
    CAST(asked.customer_id AS VARCHAR) AS customer_id,
    CAST(points_if_active.swept_on AS TIMESTAMP) AS purchased_at
FROM points_if_active
CROSS JOIN asked
