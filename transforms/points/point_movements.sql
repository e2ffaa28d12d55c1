-- purpose: A period's movements of points, added up so that a report need not read the entries, and
--   what moved from one month of expiry to another without being spent or credited
-- grain: one row per kind of lot, month of credit and of expiry, movement, cause, and whether the
--   owner had left by the period's end
-- keys: lot_kind, credited_month, expires_month, movement, cause, left
-- inputs: point_entries(customer_id, lot_id, kind, points, cause, lot_kind, credited_on, expires_on),
--   opening_lots(lot_id, customer_id, kind, credited_on, expires_on, remaining),
--   point_lots(lot_id, customer_id, kind, credited_on, expires_on, remaining),
--   lots_in_order(lot_id, changes_on),
--   customers_spans(customer_id, terminated_on, counts_from, counts_until), run_context(last_day)
-- policy: none
-- rules: P1, P3, P5, P6, P7, P8, P9, P11, R1
WITH moved AS (
    SELECT
        point_entries.customer_id,
        point_entries.lot_id,
        point_entries.lot_kind,
        CAST(DATE_TRUNC('month', point_entries.credited_on) AS DATE) AS credited_in,
        CAST(DATE_TRUNC('month', point_entries.expires_on) AS DATE) AS expires_in,
        CASE
            WHEN point_entries.kind IN ('membership', 'payment', 'promotion', 'purchase')
                THEN 'credit'
            ELSE point_entries.kind
        END AS movement,
        point_entries.cause,
        point_entries.points
    FROM point_entries
),

-- lots that another last day became that of: by a change of policy, or extended by the sweep
changed_lots AS (
    SELECT lots_in_order.lot_id
    FROM lots_in_order
    WHERE lots_in_order.changes_on IS NOT NULL
    UNION
    SELECT point_entries.lot_id
    FROM point_entries
    WHERE point_entries.kind = 'extension'
),

-- what such a lot holds at the end, less what it held before, less what entries moved
changes AS (
    SELECT
        point_lots.customer_id,
        point_lots.lot_id,
        point_lots.kind AS lot_kind,
        CAST(DATE_TRUNC('month', point_lots.credited_on) AS DATE) AS credited_in,
        CAST(DATE_TRUNC('month', point_lots.expires_on) AS DATE) AS expires_in,
        point_lots.remaining AS points
    FROM point_lots
    INNER JOIN changed_lots ON point_lots.lot_id = changed_lots.lot_id
    UNION ALL
    SELECT
        opening_lots.customer_id,
        opening_lots.lot_id,
        opening_lots.kind AS lot_kind,
        CAST(DATE_TRUNC('month', opening_lots.credited_on) AS DATE) AS credited_in,
        CAST(DATE_TRUNC('month', opening_lots.expires_on) AS DATE) AS expires_in,
        -opening_lots.remaining AS points
    FROM opening_lots
    INNER JOIN changed_lots ON opening_lots.lot_id = changed_lots.lot_id
    UNION ALL
    SELECT
        moved.customer_id,
        moved.lot_id,
        moved.lot_kind,
        moved.credited_in,
        moved.expires_in,
        -moved.points AS points
    FROM moved
    INNER JOIN changed_lots ON moved.lot_id = changed_lots.lot_id
),

of_lots AS (
    -- by lot, then by customer: counting both as distinct takes more memory
    SELECT
        moved.customer_id,
        moved.lot_id,
        moved.lot_kind,
        moved.credited_in,
        moved.expires_in,
        moved.movement,
        moved.cause,
        SUM(moved.points) AS points
    FROM moved
    GROUP BY
        moved.customer_id,
        moved.lot_id,
        moved.lot_kind,
        moved.credited_in,
        moved.expires_in,
        moved.movement,
        moved.cause
    UNION ALL
    SELECT
        changes.customer_id,
        changes.lot_id,
        changes.lot_kind,
        changes.credited_in,
        changes.expires_in,
        'change' AS movement,
        CAST(NULL AS VARCHAR) AS cause,
        SUM(changes.points) AS points
    FROM changes
    GROUP BY
        changes.customer_id,
        changes.lot_id,
        changes.lot_kind,
        changes.credited_in,
        changes.expires_in
    HAVING SUM(changes.points) <> 0
),

of_customers AS (
    SELECT
        of_lots.customer_id,
        of_lots.lot_kind,
        of_lots.credited_in,
        of_lots.expires_in,
        of_lots.movement,
        of_lots.cause,
        COUNT(*) AS lots,
        SUM(of_lots.points) AS points
    FROM of_lots
    GROUP BY
        of_lots.customer_id,
        of_lots.lot_kind,
        of_lots.credited_in,
        of_lots.expires_in,
        of_lots.movement,
        of_lots.cause
),

leavers AS (
    SELECT customers_spans.customer_id
    FROM customers_spans
    CROSS JOIN run_context
    WHERE customers_spans.terminated_on <= run_context.last_day
        AND (
            customers_spans.counts_from IS NULL
            OR customers_spans.counts_from <= run_context.last_day
        )
        AND (
            customers_spans.counts_until IS NULL
            OR run_context.last_day < customers_spans.counts_until
        )
)

SELECT
    CAST(of_customers.lot_kind AS VARCHAR) AS lot_kind,
    CAST(strftime(of_customers.credited_in, '%Y-%m') AS VARCHAR) AS credited_month,
    CAST(strftime(of_customers.expires_in, '%Y-%m') AS VARCHAR) AS expires_month,
    CAST(of_customers.movement AS VARCHAR) AS movement,
    CAST(of_customers.cause AS VARCHAR) AS cause,
    CAST(leavers.customer_id IS NOT NULL AS BOOLEAN) AS "left",
    CAST(SUM(of_customers.lots) AS BIGINT) AS lots,
    CAST(COUNT(*) AS BIGINT) AS customers,
    CAST(SUM(of_customers.points) AS BIGINT) AS points
FROM of_customers
LEFT JOIN leavers ON of_customers.customer_id = leavers.customer_id
GROUP BY
    of_customers.lot_kind,
    of_customers.credited_in,
    of_customers.expires_in,
    of_customers.movement,
    of_customers.cause,
    leavers.customer_id IS NOT NULL
ORDER BY lot_kind, credited_month, expires_month, movement, cause, "left"
