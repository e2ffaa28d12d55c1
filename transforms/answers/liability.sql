-- purpose: The points outstanding at a moment, by when they lapse: what their owners can still use,
--   what is past its last day, and what is of owners who left
-- grain: one row per month of expiry and kind of lots with points left
-- keys: expires_month, kind
-- inputs: opening_lots(lot_id, customer_id, kind, credited_on, expires_on, refundable, remaining),
--   point_entries(lot_id, customer_id, lot_kind, occurred_at, points, credited_on, expires_on,
--   refundable), customers_spans(customer_id, terminated_on, counts_from, counts_until),
--   policy_point_policy_changes(kind, effective_on, expires_on, valid_from, valid_to),
--   policy_point_value(kind, use, won, per_points, valid_from, valid_to),
--   run_context(before, on_day, usable_from, first_day, least)
-- policy: point_policy_changes, point_value
-- rules: B1, B3, P7, P8
WITH moved AS (
    SELECT
        point_entries.lot_id,
        point_entries.customer_id,
        point_entries.lot_kind AS kind,
        point_entries.credited_on,
        point_entries.refundable,
        MAX(point_entries.expires_on) AS expires_on,
        SUM(point_entries.points) AS points
    FROM point_entries
    CROSS JOIN run_context
    WHERE point_entries.occurred_at < run_context.before
    GROUP BY
        point_entries.lot_id,
        point_entries.customer_id,
        point_entries.lot_kind,
        point_entries.credited_on,
        point_entries.refundable
),

-- an extension says a later last day than the lot had; a change, an earlier one, follows below
lots AS (
    SELECT
        COALESCE(opening_lots.customer_id, moved.customer_id) AS customer_id,
        COALESCE(opening_lots.kind, moved.kind) AS kind,
        COALESCE(opening_lots.credited_on, moved.credited_on) AS credited_on,
        COALESCE(opening_lots.refundable, moved.refundable) AS refundable,
        GREATEST(opening_lots.expires_on, moved.expires_on) AS expires_on,
        COALESCE(opening_lots.remaining, 0) + COALESCE(moved.points, 0) AS points
    FROM opening_lots
    FULL JOIN moved ON opening_lots.lot_id = moved.lot_id
    WHERE COALESCE(opening_lots.remaining, 0) + COALESCE(moved.points, 0) <> 0
),

changes AS (
    SELECT
        policy_point_policy_changes.kind,
        policy_point_policy_changes.effective_on,
        policy_point_policy_changes.expires_on
    FROM policy_point_policy_changes
    CROSS JOIN run_context
    WHERE policy_point_policy_changes.effective_on >= run_context.first_day
        AND policy_point_policy_changes.effective_on <= run_context.on_day
        AND policy_point_policy_changes.valid_from <= policy_point_policy_changes.effective_on
        AND (
            policy_point_policy_changes.valid_to IS NULL
            OR policy_point_policy_changes.effective_on < policy_point_policy_changes.valid_to
        )
),

leavers AS (
    SELECT customers_spans.customer_id
    FROM customers_spans
    CROSS JOIN run_context
    WHERE customers_spans.terminated_on <= run_context.on_day
        AND (
            customers_spans.counts_from IS NULL
            OR customers_spans.counts_from <= run_context.on_day
        )
        AND (
            customers_spans.counts_until IS NULL
            OR run_context.on_day < customers_spans.counts_until
        )
),

judged AS (
    SELECT
        lots.customer_id,
        lots.kind,
        lots.points,
        lots.refundable,
        LEAST(lots.expires_on, COALESCE(changes.expires_on, lots.expires_on)) AS expires_on,
        leavers.customer_id IS NOT NULL AS has_left
    FROM lots
    LEFT JOIN changes
        ON lots.kind = changes.kind
        AND lots.credited_on < changes.effective_on
    LEFT JOIN leavers ON lots.customer_id = leavers.customer_id
),

standing AS (
    SELECT
        judged.*,
        CASE
            WHEN judged.has_left AND judged.refundable
                AND judged.expires_on >= run_context.usable_from THEN 'left_refundable'
            WHEN judged.has_left THEN 'left_not_refundable'
            WHEN judged.expires_on < run_context.usable_from THEN 'past'
            ELSE 'usable'
        END AS standing
    FROM judged
    CROSS JOIN run_context
),

outstanding AS (
    SELECT
        CAST(DATE_TRUNC('month', standing.expires_on) AS DATE) AS expires_in,
        standing.kind,
        COUNT(DISTINCT standing.customer_id) AS customers,
        COUNT(*) AS lots,
        SUM(standing.points) AS points,
        SUM(CASE WHEN standing.standing = 'usable' THEN standing.points ELSE 0 END) AS usable,
        SUM(CASE WHEN standing.standing = 'past' THEN standing.points ELSE 0 END) AS past,
        SUM(CASE WHEN standing.standing = 'left_refundable' THEN standing.points ELSE 0 END)
            AS left_refundable,
        SUM(CASE WHEN standing.standing = 'left_not_refundable' THEN standing.points ELSE 0 END)
            AS left_not_refundable
    FROM standing
    GROUP BY CAST(DATE_TRUNC('month', standing.expires_on) AS DATE), standing.kind
),

worth AS (
    SELECT
        policy_point_value.kind,
        policy_point_value.use,
        policy_point_value.won,
        policy_point_value.per_points
    FROM policy_point_value
    CROSS JOIN run_context
    WHERE policy_point_value.won IS NOT NULL
        AND policy_point_value.valid_from <= run_context.on_day
        AND (
            policy_point_value.valid_to IS NULL
            OR run_context.on_day < policy_point_value.valid_to
        )
)

SELECT
    CAST(strftime(outstanding.expires_in, '%Y-%m') AS VARCHAR) AS expires_month,
    CAST(outstanding.kind AS VARCHAR) AS kind,
    CAST(
        CASE WHEN outstanding.customers >= run_context.least THEN outstanding.customers END
        AS BIGINT
    ) AS customers,
    CAST(
        CASE WHEN outstanding.customers >= run_context.least THEN outstanding.lots END AS BIGINT
    ) AS lots,
    CAST(outstanding.points AS BIGINT) AS points,
    CAST(outstanding.usable AS BIGINT) AS usable,
    CAST(outstanding.past AS BIGINT) AS past,
    CAST(outstanding.left_refundable AS BIGINT) AS left_refundable,
    CAST(outstanding.left_not_refundable AS BIGINT) AS left_not_refundable,
    CAST(
        outstanding.usable // of_use.per_points * of_use.won
        + outstanding.usable % of_use.per_points * of_use.won // of_use.per_points
        AS BIGINT
    ) AS usable_krw,
    CAST(
        outstanding.left_refundable // of_refund.per_points * of_refund.won
        + outstanding.left_refundable % of_refund.per_points * of_refund.won
        // of_refund.per_points
        AS BIGINT
    ) AS left_refundable_krw,
    CAST(
        CASE
            WHEN of_use.won IS NULL AND of_refund.won IS NULL THEN 'redemption, refund'
            WHEN of_use.won IS NULL THEN 'redemption'
            WHEN of_refund.won IS NULL THEN 'refund'
        END
        AS VARCHAR
    ) AS no_won_for
FROM outstanding
CROSS JOIN run_context
LEFT JOIN worth AS of_use ON outstanding.kind = of_use.kind AND of_use.use = 'redemption'
LEFT JOIN worth AS of_refund ON outstanding.kind = of_refund.kind AND of_refund.use = 'refund'
ORDER BY expires_month, kind
