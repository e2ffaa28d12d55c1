-- purpose: What each subscription spent of its limit in the month, and who is told of heavy use
-- grain: one row per mobile subscription with a payment delivered in the month
-- keys: subscription_id
-- inputs: folded_limit_events(subscription_id, customer_id, action, amount, recurring, verdict),
--   folded_limits(subscription_id, remaining),
--   subscription_records(subscription_id, customer_id, holds_from, holds_until),
--   policy_micropayment_usage_notice(from_share, valid_from, valid_to), run_context(last_day)
-- policy: micropayment_usage_notice
-- rules: M5, R2
WITH payments AS (
    SELECT
        folded_limit_events.subscription_id,
        SUM(CASE WHEN folded_limit_events.verdict = 'accepted' THEN folded_limit_events.amount END)
            AS approved_total,
        COUNT(*) AS payments,
        SUM(CASE WHEN folded_limit_events.recurring THEN 1 ELSE 0 END) AS recurring_payments
    FROM folded_limit_events
    WHERE folded_limit_events.action = 'spend' AND folded_limit_events.customer_id IS NOT NULL
    GROUP BY folded_limit_events.subscription_id
),

-- whose it is at the month's last moment
owners AS (
    SELECT subscription_records.subscription_id, subscription_records.customer_id
    FROM subscription_records
    CROSS JOIN run_context
    WHERE (
            subscription_records.holds_from IS NULL
            OR CAST(subscription_records.holds_from AS DATE) <= run_context.last_day
        )
        AND (
            subscription_records.holds_until IS NULL
            OR CAST(subscription_records.holds_until AS DATE) > run_context.last_day
        )
),

usage AS (
    SELECT
        payments.subscription_id,
        owners.customer_id,
        COALESCE(payments.approved_total, 0) AS approved_total,
        folded_limits.remaining + COALESCE(payments.approved_total, 0) AS limit_in_force,
        payments.payments,
        payments.recurring_payments
    FROM payments
    INNER JOIN owners ON payments.subscription_id = owners.subscription_id
    INNER JOIN folded_limits ON payments.subscription_id = folded_limits.subscription_id
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
