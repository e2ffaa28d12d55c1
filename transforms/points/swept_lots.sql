-- purpose: The lots as the sweep leaves them, in the columns and the order of a month's lots; nothing
--   is left of one that it took
-- grain: one row per lot left by the month before the sweep
-- keys: lot_id
-- inputs: sweep_decisions(lot_id, customer_id, kind, credited_on, expires_on, refundable, credited,
--   remaining, shortened_from, extended_to, decision)
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
    CAST(
        CASE WHEN sweep_decisions.decision = 'expiry' THEN 0 ELSE sweep_decisions.remaining END
        AS BIGINT
    ) AS remaining,
    CAST(sweep_decisions.shortened_from AS DATE) AS shortened_from,
    CAST(NULL AS DATE) AS changes_on,
    CAST(NULL AS DATE) AS changed_expires_on
FROM sweep_decisions
ORDER BY customer_id, lot_id
