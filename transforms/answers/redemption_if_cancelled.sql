-- purpose: The earlier redemption that used up the month's limit of the benefit
-- grain: one row, none where the limit was not reached
-- keys: none
-- inputs: redemption_limit(earlier_id, earlier_at, benefit, passed)
-- policy: none
-- rules: P4, P5
SELECT
    CAST(redemption_limit.earlier_id AS VARCHAR) AS earlier_id,
    CAST(redemption_limit.earlier_at AS TIMESTAMP) AS earlier_at,
    CAST(redemption_limit.benefit AS VARCHAR) AS benefit
FROM redemption_limit
WHERE NOT redemption_limit.passed
