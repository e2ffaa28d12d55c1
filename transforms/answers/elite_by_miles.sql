-- purpose: The miles from which each status is reached, with how far the member's lie from them
-- grain: one row per status that miles give
-- keys: status
-- inputs: published_elite_status(qualifying_miles, status_by_miles, valid_from),
--   policy_elite_miles(status, from_miles, valid_from, valid_to)
-- policy: elite_miles
-- rules: E3
SELECT
    CAST(
        CASE
            WHEN published_elite_status.qualifying_miles >= policy_elite_miles.from_miles
                THEN 'reached'
            ELSE 'missed'
        END
        AS VARCHAR
    ) AS said,
    CAST(policy_elite_miles.status AS VARCHAR) AS status,
    CAST(policy_elite_miles.from_miles AS BIGINT) AS from_miles,
    CAST(published_elite_status.qualifying_miles AS BIGINT) AS qualifying_miles,
    CAST(published_elite_status.status_by_miles AS VARCHAR) AS status_by_miles,
    CAST(
        CASE
            WHEN published_elite_status.qualifying_miles >= policy_elite_miles.from_miles
                THEN published_elite_status.qualifying_miles - policy_elite_miles.from_miles
        END
        AS BIGINT
    ) AS over,
    CAST(
        CASE
            WHEN published_elite_status.qualifying_miles < policy_elite_miles.from_miles
                THEN policy_elite_miles.from_miles - published_elite_status.qualifying_miles
        END
        AS BIGINT
    ) AS short,
    CAST(published_elite_status.valid_from AS DATE) AS status_from
FROM published_elite_status
INNER JOIN policy_elite_miles
    ON policy_elite_miles.valid_from <= published_elite_status.valid_from
    AND (
        policy_elite_miles.valid_to IS NULL
        OR published_elite_status.valid_from < policy_elite_miles.valid_to
    )
WHERE policy_elite_miles.from_miles > 0
ORDER BY from_miles
