-- purpose: On which days of the month each customer was in arrears, as bits: bit n stands for day n
-- grain: one row per customer in arrears on a day of the month
-- keys: customer_id
-- inputs: billing_arrears(customer_id, in_arrears_from, in_arrears_until),
--   run_context(first_day, last_day)
-- policy: none
-- rules: M4
WITH spans AS (
    SELECT
        billing_arrears.customer_id,
        CASE
            WHEN billing_arrears.in_arrears_from < run_context.first_day THEN 1
            ELSE DAY(billing_arrears.in_arrears_from)
        END AS from_day,
        CASE
            WHEN billing_arrears.in_arrears_until <= run_context.last_day
                THEN DAY(billing_arrears.in_arrears_until)
            ELSE DAY(run_context.last_day) + 1
        END AS until_day
    FROM billing_arrears
    CROSS JOIN run_context
    WHERE billing_arrears.in_arrears_from <= run_context.last_day
        AND (
            billing_arrears.in_arrears_until IS NULL
            OR billing_arrears.in_arrears_until > run_context.first_day
        )
)

SELECT
    CAST(spans.customer_id AS VARCHAR) AS customer_id,
    CAST(
        BIT_OR(
            (CAST(1 AS BIGINT) << CAST(spans.until_day AS INTEGER))
            - (CAST(1 AS BIGINT) << CAST(spans.from_day AS INTEGER))
        )
        AS BIGINT
    ) AS arrears_days
FROM spans
GROUP BY spans.customer_id
