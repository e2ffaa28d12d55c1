-- purpose: The counting lines of the window that were billed and not wholly collected
-- grain: one row per such line, with their sums in each
-- keys: line
-- inputs: tier_lines(passed, billing_month, billing_line_id, billed_amount, collected_amount)
-- policy: none
-- rules: T3
WITH unpaid AS (
    SELECT
        tier_lines.billing_month,
        tier_lines.billing_line_id,
        tier_lines.billed_amount - tier_lines.collected_amount AS amount
    FROM tier_lines
    WHERE tier_lines.passed
        AND tier_lines.billed_amount > tier_lines.collected_amount
),

sums AS (
    SELECT
        MIN(unpaid.billing_month) AS first_month,
        MAX(unpaid.billing_month) AS last_month,
        SUM(unpaid.amount) AS amount
    FROM unpaid
)

SELECT
    CAST(
        CASE WHEN sums.first_month = sums.last_month THEN 'one_month' ELSE 'months' END AS VARCHAR
    ) AS said,
    CAST(sums.amount AS BIGINT) AS amount,
    CAST(sums.first_month AS VARCHAR) AS first_month,
    CAST(sums.last_month AS VARCHAR) AS last_month,
    CAST(unpaid.billing_line_id AS VARCHAR) AS line
FROM unpaid
CROSS JOIN sums
ORDER BY unpaid.billing_month, unpaid.billing_line_id
