-- purpose: How many members a scenario changes how: the elite status, and the miles credited in its
--   months
-- grain: one row per pair of statuses and change of miles that any member with a status in either,
--   or with miles in either, has
-- keys: level_published, level, change
-- inputs: published_elite_status(member_id, status), scenario_elite_status(member_id, status),
--   published_mileage_balances(member_id, credited), scenario_mileage_balances(member_id, credited)
-- policy: none
-- rules: E3, P11
WITH statuses AS (
    SELECT
        COALESCE(published_elite_status.member_id, scenario_elite_status.member_id) AS owner,
        published_elite_status.status AS level_published,
        scenario_elite_status.status AS level
    FROM published_elite_status
    FULL JOIN scenario_elite_status
        ON published_elite_status.member_id = scenario_elite_status.member_id
),

amounts AS (
    SELECT
        published_mileage_balances.member_id,
        published_mileage_balances.credited AS before,
        0 AS after
    FROM published_mileage_balances
    UNION ALL
    SELECT
        scenario_mileage_balances.member_id,
        0 AS before,
        scenario_mileage_balances.credited AS after
    FROM scenario_mileage_balances
),

miles AS (
    SELECT amounts.member_id, SUM(amounts.before) AS before, SUM(amounts.after) AS after
    FROM amounts
    GROUP BY amounts.member_id
),

changes AS (
    SELECT
        statuses.level_published,
        statuses.level,
        COALESCE(miles.after, 0) - COALESCE(miles.before, 0) AS change
    FROM statuses
    FULL JOIN miles ON statuses.owner = miles.member_id
)

SELECT
    CAST(changes.level_published AS VARCHAR) AS level_published,
    CAST(changes.level AS VARCHAR) AS level,
    CAST(NULL AS BIGINT) AS fee_band,
    CAST(NULL AS BIGINT) AS tenure_from,
    CAST(NULL AS VARCHAR) AS tenure_band,
    CAST(changes.change AS BIGINT) AS change,
    CAST(COUNT(*) AS BIGINT) AS owners
FROM changes
GROUP BY changes.level_published, changes.level, changes.change
