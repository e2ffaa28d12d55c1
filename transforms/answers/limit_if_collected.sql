-- purpose: The bills whose arrears are the reason
-- grain: one row per billing line, with their sums in each; none where that is not the reason
-- keys: line
-- inputs: limit_arrears(said, passed, bills, missing, on_day), limit_bills(billing_month, billing_line_id)
-- policy: none
-- rules: M4
SELECT
    CAST(limit_arrears.bills AS BIGINT) AS bills,
    CAST(limit_arrears.missing AS BIGINT) AS amount,
    CAST(limit_arrears.on_day AS DATE) AS on_day,
    CAST(limit_bills.billing_line_id AS VARCHAR) AS line
FROM limit_arrears
CROSS JOIN limit_bills
WHERE limit_arrears.said = 'arrears' AND NOT limit_arrears.passed
ORDER BY limit_bills.billing_month, line
