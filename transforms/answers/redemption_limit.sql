-- purpose: Whether the benefit could be used once more in the month, with its last earlier use
-- grain: one row where the checks before it passed, none else
-- keys: none
-- inputs: redemption_earlier(used_at, redemption_id), redemption_terms(reason, monthly_limit,
--   benefit, used_on), redemption_tier(passed)
-- policy: none
-- rules: P4
WITH uses AS (
    SELECT
        COUNT(*) AS uses,
        MAX(redemption_earlier.used_at) AS used_at,
        MAX_BY(redemption_earlier.redemption_id, redemption_earlier.used_at) AS redemption_id
    FROM redemption_earlier
)

SELECT
    CAST(
        CASE
            WHEN redemption_terms.reason = 'monthly_limit' THEN 'monthly_limit'
            WHEN redemption_terms.monthly_limit IS NULL THEN 'any'
            ELSE 'within'
        END
        AS VARCHAR
    ) AS said,
    CAST(redemption_terms.reason IS DISTINCT FROM 'monthly_limit' AS BOOLEAN) AS passed,
    CAST(redemption_terms.benefit AS VARCHAR) AS benefit,
    CAST(redemption_terms.monthly_limit AS BIGINT) AS monthly_limit,
    CAST(uses.uses AS BIGINT) AS uses,
    CAST(uses.redemption_id AS VARCHAR) AS earlier_id,
    CAST(uses.used_at AS TIMESTAMP) AS earlier_at,
    CAST(redemption_terms.used_on AS DATE) AS used_on
FROM redemption_terms
CROSS JOIN uses
INNER JOIN redemption_tier ON redemption_tier.passed
