-- purpose: The months of the bills that were in arrears
-- grain: one row per month
-- keys: billing_month
-- inputs: limit_overdue(billing_month)
-- policy: none
-- rules: M4
SELECT CAST(limit_overdue.billing_month AS VARCHAR) AS billing_month
FROM limit_overdue
GROUP BY limit_overdue.billing_month
