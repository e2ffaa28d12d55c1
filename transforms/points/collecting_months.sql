-- purpose: In which months each month's bills were collected; says which files a close reads
-- grain: one row per billing month and month of collection
-- keys: billing_month, collected_month
-- inputs: billing_collections(billing_month, collected_month, lines)
-- policy: none
-- rules: P1, P9
WITH months AS (
    SELECT
        billing_collections.billing_month,
        billing_collections.collected_month,
        SUM(billing_collections.lines) AS lines
    FROM billing_collections
    GROUP BY billing_collections.billing_month, billing_collections.collected_month
),

-- as in billing_late_collections: the month with most lines, on a tie the earliest
ranked_months AS (
    SELECT
        months.billing_month,
        months.collected_month,
        ROW_NUMBER() OVER (
            PARTITION BY months.billing_month
            ORDER BY months.lines DESC, months.collected_month
        ) AS place
    FROM months
)

SELECT
    CAST(ranked_months.billing_month AS VARCHAR) AS billing_month,
    CAST(ranked_months.collected_month AS VARCHAR) AS collected_month,
    CAST(ranked_months.place = 1 AS BOOLEAN) AS is_main
FROM ranked_months
ORDER BY billing_month, collected_month
