-- purpose: What the month came to at its end, and whether the customer is told of heavy use
-- grain: one row, none for a subscription that is in no usage table
-- keys: none
-- inputs: published_micropayment_usage(month, limit_in_force, approved_total, usage_notice),
--   replayed_run_context(last_day),
--   policy_micropayment_usage_notice(from_share, valid_from, valid_to)
-- policy: micropayment_usage_notice
-- rules: M5
SELECT
    CAST(
        CASE WHEN published_micropayment_usage.usage_notice THEN 'told' ELSE 'not_told' END
        AS VARCHAR
    ) AS said,
    CAST(published_micropayment_usage.month AS VARCHAR) AS month,
    CAST(published_micropayment_usage.approved_total AS BIGINT) AS approved_total,
    CAST(published_micropayment_usage.limit_in_force AS BIGINT) AS limit_in_force,
    CAST(policy_micropayment_usage_notice.from_share AS BIGINT) AS from_share,
    CAST(replayed_run_context.last_day AS DATE) AS last_day
FROM published_micropayment_usage
CROSS JOIN replayed_run_context
INNER JOIN policy_micropayment_usage_notice
    ON policy_micropayment_usage_notice.valid_from <= replayed_run_context.last_day
    AND (
        policy_micropayment_usage_notice.valid_to IS NULL
        OR replayed_run_context.last_day < policy_micropayment_usage_notice.valid_to
    )
