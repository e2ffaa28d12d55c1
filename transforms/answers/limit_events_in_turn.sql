-- purpose: The month's limit requests, payments and changes of the standard limit in the order in
--   which they were taken, each with the limit and the month's total before and after it
-- grain: one row per payment, per request, and per change of a standard limit
-- keys: account, place
-- inputs: replayed_folded_limit_events(account, event_id, customer_id, requested_at, on_day, action,
--   amount, verdict, usable, spent), replayed_limit_accounts(account, opening_limit, limit_was_set)
-- policy: none
-- rules: M1, M2, M3
WITH events AS (
    SELECT
        replayed_folded_limit_events.account,
        replayed_folded_limit_events.event_id,
        replayed_folded_limit_events.customer_id,
        replayed_folded_limit_events.requested_at,
        replayed_folded_limit_events.on_day,
        replayed_folded_limit_events.action,
        replayed_folded_limit_events.amount,
        replayed_folded_limit_events.verdict = 'accepted' AS is_accepted,
        replayed_folded_limit_events.usable + replayed_folded_limit_events.spent AS limit_after,
        replayed_folded_limit_events.spent AS total_after,
        replayed_limit_accounts.opening_limit,
        replayed_limit_accounts.limit_was_set,
        -- at the same time standard limits come first, payments last
        ROW_NUMBER() OVER (
            PARTITION BY replayed_folded_limit_events.account
            ORDER BY
                replayed_folded_limit_events.requested_at,
                CASE replayed_folded_limit_events.action
                    WHEN 'standard_limit' THEN 0
                    WHEN 'set_limit' THEN 1
                    ELSE 2
                END,
                replayed_folded_limit_events.event_id
        ) AS place
    FROM replayed_folded_limit_events
    INNER JOIN replayed_limit_accounts
        ON replayed_folded_limit_events.account = replayed_limit_accounts.account
)

SELECT
    CAST(events.account AS BIGINT) AS account,
    CAST(events.place AS BIGINT) AS place,
    CAST(events.event_id AS VARCHAR) AS event_id,
    CAST(events.customer_id AS VARCHAR) AS customer_id,
    CAST(events.requested_at AS TIMESTAMP) AS requested_at,
    CAST(events.on_day AS DATE) AS on_day,
    CAST(events.action AS VARCHAR) AS action,
    CAST(events.amount AS BIGINT) AS amount,
    CAST(events.is_accepted AS BOOLEAN) AS is_accepted,
    CAST(events.limit_was_set AS BOOLEAN) AS limit_was_set,
    CAST(
        COALESCE(
            LAG(events.limit_after) OVER (PARTITION BY events.account ORDER BY events.place),
            events.opening_limit
        )
        AS BIGINT
    ) AS limit_before,
    CAST(events.limit_after AS BIGINT) AS limit_after,
    CAST(
        COALESCE(
            LAG(events.total_after) OVER (PARTITION BY events.account ORDER BY events.place), 0
        )
        AS BIGINT
    ) AS total_before,
    CAST(events.total_after AS BIGINT) AS total_after
FROM events
