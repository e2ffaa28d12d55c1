-- purpose: What the sweep did with lots, in the columns and the order of a month's movements: an
--   expiry takes what is left, an extension moves nothing and leaves the lot until a later day
-- grain: one row per lot that the sweep extended or took
-- keys: lot_id
-- inputs: sweep_decisions(lot_id, customer_id, kind, credited_on, expires_on, refundable, credited,
--   remaining, shortened_from, extended_to, decision, cause), run_context(swept_on, swept_at)
-- policy: none
-- rules: P8, P9
SELECT
    CAST(sweep_decisions.customer_id AS VARCHAR) AS customer_id,
    CAST(sweep_decisions.lot_id AS VARCHAR) AS lot_id,
    CAST(sweep_decisions.kind AS VARCHAR) AS kind,
    CAST(sweep_decisions.credited_on AS DATE) AS credited_on,
    CAST(
        CASE
            WHEN sweep_decisions.decision = 'extension' THEN sweep_decisions.extended_to
            ELSE sweep_decisions.expires_on
        END
        AS DATE
    ) AS expires_on,
    CAST(sweep_decisions.refundable AS BOOLEAN) AS refundable,
    CAST(sweep_decisions.credited AS BIGINT) AS credited,
    CAST(sweep_decisions.shortened_from AS DATE) AS shortened_from,
    CAST(NULL AS DATE) AS changes_on,
    CAST(NULL AS DATE) AS changed_expires_on,
    CAST(NULL AS VARCHAR) AS event_id,
    CAST(run_context.swept_at AS TIMESTAMP) AS occurred_at,
    CAST(run_context.swept_on AS DATE) AS on_day,
    CAST(sweep_decisions.decision AS VARCHAR) AS action,
    CAST(sweep_decisions.cause AS VARCHAR) AS cause,
    CAST(
        CASE WHEN sweep_decisions.decision = 'expiry' THEN -sweep_decisions.remaining ELSE 0 END
        AS BIGINT
    ) AS points
FROM sweep_decisions
CROSS JOIN run_context
WHERE sweep_decisions.decision IS NOT NULL
ORDER BY customer_id, lot_id
