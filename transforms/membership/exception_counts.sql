-- purpose: What no assessed customer owns, by reason, for the run's summary
-- grain: one row per reason that occurs
-- keys: reason
-- inputs: tier_exceptions(reason, lines, amount)
-- policy: none
-- rules: T7
SELECT
    CAST(tier_exceptions.reason AS VARCHAR) AS reason,
    CAST(COUNT(*) AS BIGINT) AS customers,
    CAST(SUM(tier_exceptions.lines) AS BIGINT) AS lines,
    CAST(SUM(tier_exceptions.amount) AS DECIMAL(38, 0)) AS amount
FROM tier_exceptions
GROUP BY tier_exceptions.reason
ORDER BY reason
