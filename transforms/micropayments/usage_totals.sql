-- purpose: A month's control totals: what subscriptions spent, and how many are told of heavy use
-- grain: one row
-- keys: none
-- inputs: micropayment_usage(approved_total, payments, recurring_payments, usage_notice)
-- policy: none
-- rules: M5
SELECT
    CAST(COUNT(*) AS BIGINT) AS subscriptions,
    CAST(COALESCE(SUM(micropayment_usage.payments), 0) AS BIGINT) AS payments,
    CAST(COALESCE(SUM(micropayment_usage.recurring_payments), 0) AS BIGINT) AS recurring_payments,
    CAST(COALESCE(SUM(micropayment_usage.approved_total), 0) AS BIGINT) AS approved_total,
    CAST(COUNT(CASE WHEN micropayment_usage.usage_notice THEN 1 END) AS BIGINT) AS usage_notices
FROM micropayment_usage
