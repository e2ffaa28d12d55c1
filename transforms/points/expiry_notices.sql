-- purpose: Who is told on the first day of a month which of their points lapse when, and why
-- grain: one row per customer, expiry date and cause
-- keys: customer_id, expires_on, cause
-- inputs: opening_lots(lot_id, customer_id, kind, credited_on, expires_on, remaining,
--   shortened_from),
--   customers_spans(customer_id, joined_on, terminated_on, counts_from, counts_until),
--   customers(customer_id, contact, updated_at),
--   customers_history(customer_id, contact, updated_at),
--   active_customers(customer_id),
--   policy_point_policy_changes(kind, announced_on, effective_on, expires_on, valid_from,
--   valid_to), policy_point_notice_leads(lead_months, told, valid_from, valid_to),
--   policy_point_inactivity_notices(month, told, valid_from, valid_to),
--   run_context(noticed_on, noticed_before, active_from, swept_on, spared_from)
-- policy: point_policy_changes, point_notice_leads, point_inactivity_notices
-- rules: P7, P9, P10, R1, R2
WITH changes AS (
    SELECT
        policy_point_policy_changes.kind,
        policy_point_policy_changes.effective_on,
        policy_point_policy_changes.expires_on,
        policy_point_policy_changes.effective_on < run_context.noticed_on AS applied,
        policy_point_policy_changes.effective_on <= run_context.noticed_on AS effective,
        policy_point_policy_changes.announced_on > run_context.noticed_before AS news
    FROM policy_point_policy_changes
    CROSS JOIN run_context
    WHERE policy_point_policy_changes.valid_from <= policy_point_policy_changes.effective_on
        AND (
            policy_point_policy_changes.valid_to IS NULL
            OR policy_point_policy_changes.effective_on < policy_point_policy_changes.valid_to
        )
        AND (
            policy_point_policy_changes.announced_on <= run_context.noticed_on
            OR policy_point_policy_changes.effective_on <= run_context.noticed_on
        )
),

-- what took effect before is in the lots already, where it was not undone by an extension
changes_of_lots AS (
    SELECT
        opening_lots.lot_id,
        changes.expires_on,
        changes.effective,
        changes.news,
        MIN(changes.expires_on) OVER (PARTITION BY opening_lots.lot_id) AS earliest
    FROM opening_lots
    INNER JOIN changes
        ON opening_lots.kind = changes.kind
        AND opening_lots.credited_on < changes.effective_on
        AND CASE
            WHEN changes.applied
                THEN changes.expires_on = opening_lots.expires_on
                AND opening_lots.shortened_from IS NOT NULL
            ELSE changes.expires_on < opening_lots.expires_on
        END
),

-- changed_on: the earliest last day by the changes known; news: of the change that gives it
changed_lots AS (
    SELECT
        changes_of_lots.lot_id,
        MIN(changes_of_lots.expires_on) AS changed_on,
        MIN(CASE WHEN changes_of_lots.effective THEN changes_of_lots.expires_on END)
            AS effectively_changed_on,
        MAX(
            CASE
                WHEN changes_of_lots.news AND changes_of_lots.expires_on = changes_of_lots.earliest
                    THEN 1
                ELSE 0
            END
        ) AS news
    FROM changes_of_lots
    GROUP BY changes_of_lots.lot_id
),

foreseen_lots AS (
    SELECT
        opening_lots.lot_id,
        opening_lots.customer_id,
        opening_lots.credited_on,
        opening_lots.remaining,
        COALESCE(changed_lots.changed_on, opening_lots.expires_on) AS expires_on,
        COALESCE(changed_lots.effectively_changed_on, opening_lots.expires_on) AS usable_until,
        CASE
            WHEN changed_lots.changed_on < opening_lots.expires_on
                OR opening_lots.expires_on < opening_lots.shortened_from
                THEN 'policy_change'
            ELSE 'validity'
        END AS cause,
        COALESCE(changed_lots.news, 0) = 1 AS news
    FROM opening_lots
    LEFT JOIN changed_lots ON opening_lots.lot_id = changed_lots.lot_id
),

records AS (
    SELECT customers.customer_id, customers.contact, customers.updated_at
    FROM customers
    UNION ALL
    SELECT customers_history.customer_id, customers_history.contact, customers_history.updated_at
    FROM customers_history
),

-- as on record at the day's 00:00; before the first row, as in that
reachable_customers AS (
    SELECT
        records.customer_id,
        COALESCE(
            MAX_BY(records.contact IS NOT NULL, records.updated_at) FILTER (
                WHERE records.updated_at <= CAST(run_context.noticed_on AS TIMESTAMP)
            ),
            MIN_BY(records.contact IS NOT NULL, records.updated_at)
        ) AS reachable
    FROM records
    CROSS JOIN run_context
    GROUP BY records.customer_id
),

usable_lots AS (
    SELECT
        foreseen_lots.lot_id,
        foreseen_lots.customer_id,
        foreseen_lots.credited_on,
        foreseen_lots.remaining,
        foreseen_lots.expires_on,
        foreseen_lots.cause,
        foreseen_lots.news,
        customers_spans.joined_on,
        reachable_customers.reachable
    FROM foreseen_lots
    CROSS JOIN run_context
    INNER JOIN customers_spans
        ON foreseen_lots.customer_id = customers_spans.customer_id
        AND (
            customers_spans.counts_from IS NULL
            OR customers_spans.counts_from <= run_context.noticed_on
        )
        AND (
            customers_spans.counts_until IS NULL
            OR run_context.noticed_on < customers_spans.counts_until
        )
    INNER JOIN reachable_customers
        ON foreseen_lots.customer_id = reachable_customers.customer_id
    WHERE foreseen_lots.credited_on <= run_context.noticed_on
        AND foreseen_lots.usable_until >= run_context.noticed_on
        AND (
            customers_spans.terminated_on IS NULL
            OR customers_spans.terminated_on > run_context.noticed_on
        )
),

leads AS (
    SELECT policy_point_notice_leads.lead_months
    FROM policy_point_notice_leads
    CROSS JOIN run_context
    WHERE policy_point_notice_leads.told
        AND policy_point_notice_leads.valid_from <= run_context.noticed_on
        AND (
            policy_point_notice_leads.valid_to IS NULL
            OR run_context.noticed_on < policy_point_notice_leads.valid_to
        )
),

inactivity_notices AS (
    SELECT run_context.swept_on, run_context.spared_from, run_context.active_from
    FROM policy_point_inactivity_notices
    CROSS JOIN run_context
    WHERE policy_point_inactivity_notices.told
        AND policy_point_inactivity_notices.month = MONTH(run_context.noticed_on)
        AND policy_point_inactivity_notices.valid_from <= run_context.noticed_on
        AND (
            policy_point_inactivity_notices.valid_to IS NULL
            OR run_context.noticed_on < policy_point_inactivity_notices.valid_to
        )
),

lots_with_lead AS (
    SELECT
        usable_lots.*,
        (YEAR(usable_lots.expires_on) - YEAR(run_context.noticed_on)) * 12
        + MONTH(usable_lots.expires_on) - MONTH(run_context.noticed_on) AS months_ahead
    FROM usable_lots
    CROSS JOIN run_context
),

told_lots AS (
    SELECT
        lots_with_lead.customer_id,
        lots_with_lead.expires_on,
        lots_with_lead.cause,
        CASE WHEN lots_with_lead.cause = 'validity' THEN leads.lead_months END AS lead_months,
        lots_with_lead.remaining,
        lots_with_lead.reachable
    FROM lots_with_lead
    LEFT JOIN leads ON lots_with_lead.months_ahead = leads.lead_months
    WHERE leads.lead_months IS NOT NULL OR lots_with_lead.news
    UNION ALL
    SELECT
        usable_lots.customer_id,
        inactivity_notices.swept_on AS expires_on,
        'inactivity' AS cause,
        CAST(NULL AS BIGINT) AS lead_months,
        usable_lots.remaining,
        usable_lots.reachable
    FROM usable_lots
    CROSS JOIN inactivity_notices
    WHERE usable_lots.joined_on < inactivity_notices.active_from
        AND usable_lots.credited_on < inactivity_notices.spared_from
        AND usable_lots.expires_on > inactivity_notices.swept_on
        AND NOT EXISTS (
            SELECT 1
            FROM active_customers
            WHERE active_customers.customer_id = usable_lots.customer_id
        )
)

SELECT
    CAST(told_lots.customer_id AS VARCHAR) AS customer_id,
    CAST(told_lots.expires_on AS DATE) AS expires_on,
    CAST(told_lots.cause AS VARCHAR) AS cause,
    CAST(MIN(told_lots.lead_months) AS BIGINT) AS lead_months,
    CAST(SUM(told_lots.remaining) AS BIGINT) AS points,
    CAST(told_lots.reachable AS BOOLEAN) AS reachable
FROM told_lots
GROUP BY told_lots.customer_id, told_lots.expires_on, told_lots.cause, told_lots.reachable
ORDER BY customer_id, expires_on, cause
