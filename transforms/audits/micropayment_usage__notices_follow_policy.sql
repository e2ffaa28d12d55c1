-- purpose: A notice goes to whoever spent something, and the policy's share of the limit or more
-- grain: one row per subscription that is told without reason, or not told
-- keys: subscription_id
-- inputs: micropayment_usage(subscription_id, limit_in_force, approved_total, usage_notice),
--   policy_micropayment_usage_notice(from_share, valid_from, valid_to), run_context(last_day)
-- policy: micropayment_usage_notice
-- rules: M5
SELECT
    CAST(micropayment_usage.subscription_id AS VARCHAR) AS subscription_id,
    CAST(micropayment_usage.limit_in_force AS BIGINT) AS limit_in_force,
    CAST(micropayment_usage.approved_total AS BIGINT) AS approved_total,
    CAST(micropayment_usage.usage_notice AS BOOLEAN) AS usage_notice
FROM micropayment_usage
CROSS JOIN run_context
LEFT JOIN policy_micropayment_usage_notice
    ON policy_micropayment_usage_notice.valid_from <= run_context.last_day
    AND (
        policy_micropayment_usage_notice.valid_to IS NULL
        OR run_context.last_day < policy_micropayment_usage_notice.valid_to
    )
WHERE micropayment_usage.usage_notice IS DISTINCT FROM CASE
        WHEN micropayment_usage.approved_total = 0 THEN FALSE
        ELSE micropayment_usage.approved_total * 100
            >= micropayment_usage.limit_in_force * policy_micropayment_usage_notice.from_share
    END
ORDER BY subscription_id
