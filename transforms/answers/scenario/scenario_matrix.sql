-- purpose: How many owners have which tier, or status, as published and in the scenario
-- grain: one row per pair of both that any owner has; null: not assessed
-- keys: level_published, level
-- inputs: scenario_owners(level_published, level, owners), scenario_levels(level, place)
-- policy: none
-- rules: T4, E3
WITH pairs AS (
    SELECT scenario_owners.level_published, scenario_owners.level, SUM(scenario_owners.owners) AS owners
    FROM scenario_owners
    WHERE scenario_owners.level_published IS NOT NULL OR scenario_owners.level IS NOT NULL
    GROUP BY scenario_owners.level_published, scenario_owners.level
)

SELECT
    CAST(pairs.level_published AS VARCHAR) AS level_published,
    CAST(pairs.level AS VARCHAR) AS level,
    CAST(pairs.owners AS BIGINT) AS owners
FROM pairs
LEFT JOIN scenario_levels AS before ON pairs.level_published = before.level
LEFT JOIN scenario_levels AS after ON pairs.level = after.level
ORDER BY before.place NULLS LAST, after.place NULLS LAST
