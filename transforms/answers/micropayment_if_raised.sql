-- purpose: The limit that would have been enough for a payment above it
-- grain: one row, none where the payment is not above the limit
-- keys: none
-- inputs: micropayment_total(said, limit_in_force, total_wanted, short)
-- policy: none
-- rules: M3
SELECT
    CAST(micropayment_total.total_wanted AS BIGINT) AS requested_limit,
    CAST(micropayment_total.limit_in_force AS BIGINT) AS limit_in_force,
    CAST(micropayment_total.short AS BIGINT) AS short
FROM micropayment_total
WHERE micropayment_total.said = 'above'
