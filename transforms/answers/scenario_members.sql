-- purpose: What a scenario changes for each member: the elite status, and the miles credited in its
--   months
-- grain: one row per member with a status in either, or with miles in either
-- keys: owner
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
)

SELECT
    CAST(COALESCE(statuses.owner, miles.member_id) AS VARCHAR) AS owner,
    CAST(statuses.level_published AS VARCHAR) AS level_published,
    CAST(statuses.level AS VARCHAR) AS level,
    CAST(NULL AS BIGINT) AS fee_band,
    CAST(NULL AS BIGINT) AS tenure_from,
    CAST(NULL AS VARCHAR) AS tenure_band,
    CAST(COALESCE(miles.before, 0) AS BIGINT) AS amount_published,
    CAST(COALESCE(miles.after, 0) AS BIGINT) AS amount
FROM statuses
FULL JOIN miles ON statuses.owner = miles.member_id
