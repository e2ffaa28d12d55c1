-- purpose: What the sweep did, as entries in the order of point_entries: extensions, which move
--   nothing, and expiries
-- grain: one row per lot that the sweep extended or took
-- keys: customer_id, lot_id, source_id, kind
-- inputs: sweep_decisions(lot_id, customer_id, kind, credited_on, expires_on, refundable, credited,
--   remaining, shortened_from, extended_to, decision, cause), run_context(swept_at)
-- policy: none
-- rules: P8, P9
SELECT
    CAST(sweep_decisions.customer_id AS VARCHAR) AS customer_id,
    CAST(sweep_decisions.lot_id AS VARCHAR) AS lot_id,
    CAST(sweep_decisions.lot_id AS VARCHAR) AS source_id,
    CAST(sweep_decisions.decision AS VARCHAR) AS kind,
    CAST(run_context.swept_at AS TIMESTAMP) AS occurred_at,
    CAST(
        CASE WHEN sweep_decisions.decision = 'expiry' THEN -sweep_decisions.remaining ELSE 0 END
        AS BIGINT
    ) AS points,
    CAST(sweep_decisions.cause AS VARCHAR) AS cause,
    CAST(sweep_decisions.kind AS VARCHAR) AS lot_kind,
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
    CAST(sweep_decisions.shortened_from AS DATE) AS shortened_from
FROM sweep_decisions
CROSS JOIN run_context
WHERE sweep_decisions.decision IS NOT NULL
ORDER BY customer_id, lot_id, source_id, kind
