-- purpose: Whether the customer was in arrears, as far as that was asked
-- grain: one row, none where no mobile subscription has the id
-- keys: none
-- inputs: asked(kind), limit_event(on_day, amount, limit_before, reason),
--   limit_record(customer_id, is_mobile), limit_bills(since, missing)
-- policy: none
-- rules: M4
WITH bills AS (
    SELECT
        COUNT(*) AS bills,
        COALESCE(SUM(limit_bills.missing), 0) AS missing,
        MIN(limit_bills.since) AS since
    FROM limit_bills
),

checks AS (
    SELECT
        limit_event.on_day,
        limit_record.customer_id,
        CASE
            WHEN limit_event.reason = 'arrears' THEN FALSE
            WHEN limit_event.reason IN ('not_in_service', 'not_eligible') THEN NULL
            WHEN asked.kind = 'limit' AND limit_event.amount <= limit_event.limit_before THEN NULL
            ELSE TRUE
        END AS passed
    FROM limit_event
    CROSS JOIN asked
    CROSS JOIN limit_record
    WHERE limit_record.is_mobile
)

SELECT
    CAST(
        CASE
            WHEN checks.passed IS NULL AND bills.bills = 0 THEN 'none'
            WHEN checks.passed IS NULL THEN 'not_asked'
            WHEN checks.passed THEN 'clear'
            ELSE 'arrears'
        END
        AS VARCHAR
    ) AS said,
    CAST(checks.passed AS BOOLEAN) AS passed,
    CAST(checks.customer_id AS VARCHAR) AS customer_id,
    CAST(checks.on_day AS DATE) AS on_day,
    CAST(bills.bills AS BIGINT) AS bills,
    CAST(bills.missing AS BIGINT) AS missing,
    CAST(bills.since AS DATE) AS since
FROM checks
CROSS JOIN bills
