-- purpose: What the sweep took, why, when its owner was told, or why never
-- grain: one row per lot that the sweep took
-- keys: lot_id
-- inputs: sweep_decisions(lot_id, customer_id, kind, credited_on, remaining, expires_on, decision,
--   cause), expiry_notices(month, customer_id, expires_on, cause),
--   notice_days(cause, kind, expires_on, noticed_on, in_ledger, told),
--   customers_spans(customer_id, terminated_on, counts_from, counts_until), run_context(year)
-- policy: none
-- rules: P9, P10, R1
WITH latest_notices AS (
    SELECT
        expiry_notices.customer_id,
        expiry_notices.expires_on,
        expiry_notices.cause,
        MAX(expiry_notices.month) AS month
    FROM expiry_notices
    CROSS JOIN run_context
    WHERE expiry_notices.cause <> 'inactivity'
        OR YEAR(expiry_notices.expires_on) = run_context.year
    GROUP BY expiry_notices.customer_id, expiry_notices.expires_on, expiry_notices.cause
),

swept AS (
    SELECT
        sweep_decisions.lot_id,
        sweep_decisions.customer_id,
        sweep_decisions.kind,
        sweep_decisions.credited_on,
        sweep_decisions.remaining,
        sweep_decisions.expires_on,
        sweep_decisions.cause,
        latest_notices.month AS noticed_month
    FROM sweep_decisions
    LEFT JOIN latest_notices
        ON sweep_decisions.customer_id = latest_notices.customer_id
        AND sweep_decisions.cause = latest_notices.cause
        AND (
            sweep_decisions.cause = 'inactivity'
            OR sweep_decisions.expires_on = latest_notices.expires_on
        )
    WHERE sweep_decisions.decision = 'expiry'
),

-- of each day of notices what kept it from naming the lot; none where nothing did
missed AS (
    SELECT
        swept.lot_id,
        notice_days.noticed_on,
        notice_days.in_ledger,
        notice_days.told,
        swept.credited_on < notice_days.noticed_on AS was_there,
        customers_spans.terminated_on IS NULL
        OR customers_spans.terminated_on > notice_days.noticed_on AS was_member
    FROM swept
    INNER JOIN notice_days
        ON swept.cause = notice_days.cause
        AND swept.kind = notice_days.kind
        AND swept.expires_on = notice_days.expires_on
    INNER JOIN customers_spans
        ON swept.customer_id = customers_spans.customer_id
        AND (
            customers_spans.counts_from IS NULL
            OR customers_spans.counts_from <= notice_days.noticed_on
        )
        AND (
            customers_spans.counts_until IS NULL
            OR notice_days.noticed_on < customers_spans.counts_until
        )
    WHERE swept.noticed_month IS NULL
),

reasons AS (
    SELECT
        missed.lot_id,
        CASE
            WHEN BOOL_OR(
                    missed.was_there AND missed.was_member AND missed.in_ledger AND NOT missed.told
                )
                THEN 'not_run'
            -- notices were told when it was there: what is left of it came back later
            WHEN BOOL_OR(missed.was_there AND missed.was_member AND missed.in_ledger)
                THEN 'credited_late'
            WHEN NOT MAX_BY(missed.was_member, missed.noticed_on) THEN 'left'
            WHEN NOT MAX_BY(missed.was_there, missed.noticed_on) THEN 'credited_late'
            ELSE 'ledger_start'
        END AS untold
    FROM missed
    GROUP BY missed.lot_id
)

SELECT
    CAST(swept.lot_id AS VARCHAR) AS lot_id,
    CAST(swept.customer_id AS VARCHAR) AS customer_id,
    CAST(swept.kind AS VARCHAR) AS kind,
    CAST(swept.remaining AS BIGINT) AS points,
    CAST(swept.expires_on AS DATE) AS expires_on,
    CAST(swept.cause AS VARCHAR) AS cause,
    CAST(swept.noticed_month AS VARCHAR) AS noticed_month,
    CAST(
        CASE
            WHEN swept.noticed_month IS NOT NULL THEN NULL
            -- no policy tells of such lots
            ELSE COALESCE(reasons.untold, 'not_run')
        END
        AS VARCHAR
    ) AS untold
FROM swept
LEFT JOIN reasons ON swept.lot_id = reasons.lot_id
ORDER BY customer_id, lot_id
