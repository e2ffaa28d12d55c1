-- purpose: What each subscription spent of its limit in the month, and who is told of heavy use
-- grain: one row per mobile subscription with a payment delivered in the month
-- keys: subscription_id
-- inputs: folded_limit_events(account, action, amount, recurring, verdict),
--   folded_limits(account, subscription_id, customer_id, remaining),
--   policy_micropayment_usage_notice(from_share, valid_from, valid_to), run_context(last_day)
-- policy: micropayment_usage_notice
-- rules: M5
WITH payments AS (
    SELECT
        folded_limit_events.account,
        SUM(CASE WHEN folded_limit_events.verdict = 'accepted' THEN folded_limit_events.amount END)
            AS approved_total,
        COUNT(*) AS payments,
        SUM(CASE WHEN folded_limit_events.recurring THEN 1 ELSE 0 END) AS recurring_payments
    FROM folded_limit_events
    WHERE folded_limit_events.action = 'spend'
    GROUP BY folded_limit_events.account
),

usage AS (
    SELECT
        folded_limits.subscription_id,
        folded_limits.customer_id,
        COALESCE(payments.approved_total, 0) AS approved_total,
        folded_limits.remaining + COALESCE(payments.approved_total, 0) AS limit_in_force,
        payments.payments,
        payments.recurring_payments
    FROM payments
    INNER JOIN folded_limits ON payments.account = folded_limits.account
),

notice AS (
    SELECT policy_micropayment_usage_notice.from_share
    FROM policy_micropayment_usage_notice
    CROSS JOIN run_context
    WHERE policy_micropayment_usage_notice.valid_from <= run_context.last_day
        AND (
            policy_micropayment_usage_notice.valid_to IS NULL
            OR run_context.last_day < policy_micropayment_usage_notice.valid_to
        )
)

SELECT
    CAST(usage.subscription_id AS VARCHAR) AS subscription_id,
    CAST(usage.customer_id AS VARCHAR) AS customer_id,
    CAST(usage.limit_in_force AS BIGINT) AS limit_in_force,
    CAST(usage.approved_total AS BIGINT) AS approved_total,
    CAST(usage.payments AS BIGINT) AS payments,
    CAST(usage.recurring_payments AS BIGINT) AS recurring_payments,
    CAST(
        usage.approved_total > 0
        AND usage.approved_total * 100 >= usage.limit_in_force * notice.from_share
        AS BOOLEAN
    ) AS usage_notice
FROM usage
CROSS JOIN notice
ORDER BY customer_id, subscription_id
