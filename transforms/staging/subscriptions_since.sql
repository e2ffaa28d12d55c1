-- purpose: What subscriptions' rows tell, added up by the moment from which it could matter
-- grain: one row per kind and moment
-- keys: kind, since
-- inputs: subscriptions(subscription_id, opened_on, closed_on, updated_at),
--   subscriptions_history(subscription_id, updated_at)
-- policy: none
-- rules: R1, R2
WITH earliest AS (
    SELECT
        subscriptions_history.subscription_id,
        MIN(subscriptions_history.updated_at) AS updated_at
    FROM subscriptions_history
    GROUP BY subscriptions_history.subscription_id
),

records AS (
    SELECT
        subscriptions.subscription_id,
        subscriptions.opened_on,
        subscriptions.updated_at,
        earliest.subscription_id IS NULL AS is_first
    FROM subscriptions
    LEFT JOIN earliest ON subscriptions.subscription_id = earliest.subscription_id
    UNION ALL
    SELECT
        subscriptions_history.subscription_id,
        subscriptions.opened_on,
        subscriptions_history.updated_at,
        subscriptions_history.updated_at = earliest.updated_at AS is_first
    FROM subscriptions_history
    INNER JOIN subscriptions
        ON subscriptions_history.subscription_id = subscriptions.subscription_id
    INNER JOIN earliest
        ON subscriptions_history.subscription_id = earliest.subscription_id
),

facts AS (
    SELECT
        'span' AS kind,
        CAST(subscriptions.opened_on AS TIMESTAMP) AS since,
        subscriptions.subscription_id || ' ' || CAST(subscriptions.opened_on AS VARCHAR) AS fact
    FROM subscriptions
    UNION ALL
    SELECT
        'span' AS kind,
        CAST(subscriptions.closed_on AS TIMESTAMP) AS since,
        subscriptions.subscription_id || ' ' || CAST(subscriptions.opened_on AS VARCHAR)
        || ' ' || CAST(subscriptions.closed_on AS VARCHAR) AS fact
    FROM subscriptions
    WHERE subscriptions.closed_on IS NOT NULL
    UNION ALL
    SELECT
        'record' AS kind,
        CASE
            WHEN records.is_first THEN CAST(records.opened_on AS TIMESTAMP)
            WHEN records.updated_at = CAST(CAST(records.updated_at AS DATE) AS TIMESTAMP)
                THEN records.updated_at
            ELSE CAST(
                CAST(CAST(records.updated_at AS DATE) AS TIMESTAMP) + INTERVAL 1 SECOND
                AS TIMESTAMP
            )
        END AS since,
        records.subscription_id || ' ' || CAST(records.updated_at AS VARCHAR) AS fact
    FROM records
)

SELECT
    CAST(facts.kind AS VARCHAR) AS kind,
    CAST(facts.since AS TIMESTAMP) AS since,
    CAST(COUNT(*) AS BIGINT) AS facts,
    CAST(SUM(MD5_NUMBER_LOWER(facts.fact)) AS DECIMAL(38, 0)) AS digest
FROM facts
GROUP BY facts.kind, facts.since
ORDER BY kind, since
