-- purpose: The days on which notices could name what the sweep takes, and whether they were told then
-- grain: one row per cause, kind and last day of what the sweep takes, and day of notices
-- keys: cause, kind, expires_on, noticed_on
-- inputs: sweep_decisions(kind, expires_on, decision, cause), notice_months(month),
--   policy_point_notice_leads(lead_months, told, valid_from, valid_to),
--   policy_point_inactivity_notices(month, told, valid_from, valid_to),
--   policy_point_policy_changes(kind, announced_on, effective_on, expires_on, valid_from,
--   valid_to), run_context(year, ledger_from)
-- policy: point_notice_leads, point_inactivity_notices, point_policy_changes
-- rules: P7, P9, P10
-- kept: table
WITH lapses AS (
    SELECT DISTINCT sweep_decisions.cause, sweep_decisions.kind, sweep_decisions.expires_on
    FROM sweep_decisions
    WHERE sweep_decisions.decision = 'expiry'
),

-- a change is known from its announcement on, or from its effect where that comes first
changes AS (
    SELECT
        policy_point_policy_changes.kind,
        policy_point_policy_changes.expires_on,
        MIN(
            LEAST(
                policy_point_policy_changes.effective_on,
                COALESCE(
                    policy_point_policy_changes.announced_on,
                    policy_point_policy_changes.effective_on
                )
            )
        ) AS known_from
    FROM policy_point_policy_changes
    WHERE policy_point_policy_changes.valid_from <= policy_point_policy_changes.effective_on
        AND (
            policy_point_policy_changes.valid_to IS NULL
            OR policy_point_policy_changes.effective_on < policy_point_policy_changes.valid_to
        )
    GROUP BY policy_point_policy_changes.kind, policy_point_policy_changes.expires_on
),

-- the month in which it is known at first is counted from 0 on; so is that of a lead
of_months AS (
    SELECT
        lapses.cause,
        lapses.kind,
        lapses.expires_on,
        changes.known_from,
        policy_point_notice_leads.valid_from,
        policy_point_notice_leads.valid_to,
        YEAR(lapses.expires_on) * 12 + MONTH(lapses.expires_on) - 1
        - policy_point_notice_leads.lead_months AS months
    FROM lapses
    CROSS JOIN policy_point_notice_leads
    LEFT JOIN changes
        ON lapses.cause = 'policy_change'
        AND lapses.kind = changes.kind
        AND lapses.expires_on = changes.expires_on
    WHERE policy_point_notice_leads.told
        AND lapses.cause <> 'inactivity'
    UNION ALL
    SELECT
        lapses.cause,
        lapses.kind,
        lapses.expires_on,
        changes.known_from,
        changes.known_from AS valid_from,
        CAST(NULL AS DATE) AS valid_to,
        YEAR(changes.known_from) * 12 + MONTH(changes.known_from) - 1
        + CASE WHEN DAY(changes.known_from) = 1 THEN 0 ELSE 1 END AS months
    FROM lapses
    INNER JOIN changes
        ON lapses.kind = changes.kind
        AND lapses.expires_on = changes.expires_on
    WHERE lapses.cause = 'policy_change'
    UNION ALL
    SELECT
        lapses.cause,
        lapses.kind,
        lapses.expires_on,
        CAST(NULL AS DATE) AS known_from,
        policy_point_inactivity_notices.valid_from,
        policy_point_inactivity_notices.valid_to,
        run_context.year * 12 + policy_point_inactivity_notices.month - 1 AS months
    FROM lapses
    CROSS JOIN policy_point_inactivity_notices
    CROSS JOIN run_context
    WHERE policy_point_inactivity_notices.told
        AND lapses.cause = 'inactivity'
),

days AS (
    SELECT DISTINCT
        of_months.cause,
        of_months.kind,
        of_months.expires_on,
        MAKE_DATE(of_months.months // 12, of_months.months % 12 + 1, 1) AS noticed_on
    FROM of_months
    WHERE of_months.valid_from <= MAKE_DATE(of_months.months // 12, of_months.months % 12 + 1, 1)
        AND (
            of_months.valid_to IS NULL
            OR MAKE_DATE(of_months.months // 12, of_months.months % 12 + 1, 1) < of_months.valid_to
        )
        AND (
            of_months.known_from IS NULL
            OR of_months.known_from <= MAKE_DATE(of_months.months // 12, of_months.months % 12 + 1, 1)
        )
)

SELECT
    CAST(days.cause AS VARCHAR) AS cause,
    CAST(days.kind AS VARCHAR) AS kind,
    CAST(days.expires_on AS DATE) AS expires_on,
    CAST(days.noticed_on AS DATE) AS noticed_on,
    -- notices tell of what was there when the period before ended
    CAST(strftime(days.noticed_on, '%Y-%m') > run_context.ledger_from AS BOOLEAN) AS in_ledger,
    CAST(notice_months.month IS NOT NULL AS BOOLEAN) AS told
FROM days
CROSS JOIN run_context
LEFT JOIN notice_months ON strftime(days.noticed_on, '%Y-%m') = notice_months.month
