-- purpose: The day on which the tenure lifts the tier by fee, where it was too short
-- grain: one row per tier that the customer's tier by fee would be lifted to, none else
-- keys: none
-- inputs: tier_by_tenure(said, tenure_years, years_needed, reached_on, assessed_on)
-- policy: none
-- rules: T5
SELECT
    CAST(tier_by_tenure.years_needed - tier_by_tenure.tenure_years AS BIGINT) AS years,
    CAST(date_diff('day', tier_by_tenure.assessed_on, tier_by_tenure.reached_on) AS BIGINT) AS days,
    CAST(tier_by_tenure.reached_on AS DATE) AS reached_on,
    CAST(tier_by_tenure.years_needed AS BIGINT) AS years_needed
FROM tier_by_tenure
WHERE tier_by_tenure.said = 'too_short'
ORDER BY years
LIMIT 1
