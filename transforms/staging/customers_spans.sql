-- purpose: When each customer was a member: a row with another joined_on begins a new span where the
--   one before had ended by then, else it corrects that span
-- grain: one row per customer and span of membership
-- keys: customer_id, joined_on
-- inputs: customers(customer_id, joined_on, terminated_on, updated_at),
--   customers_history(customer_id, joined_on, terminated_on, updated_at)
-- policy: none
-- rules: R1
WITH
-- only of them more than the current row has to be looked at
rejoining AS (
    SELECT DISTINCT customers.customer_id
    FROM customers
    INNER JOIN customers_history ON customers.customer_id = customers_history.customer_id
    WHERE customers.joined_on <> customers_history.joined_on
),

records AS (
    SELECT
        customers.customer_id,
        customers.joined_on,
        customers.terminated_on,
        customers.updated_at
    FROM customers
    WHERE customers.customer_id IN (SELECT rejoining.customer_id FROM rejoining)
    UNION ALL
    SELECT
        customers_history.customer_id,
        customers_history.joined_on,
        customers_history.terminated_on,
        customers_history.updated_at
    FROM customers_history
    WHERE customers_history.customer_id IN (SELECT rejoining.customer_id FROM rejoining)
),

in_turn AS (
    SELECT
        records.customer_id,
        records.joined_on,
        records.terminated_on,
        records.updated_at,
        CASE
            WHEN records.joined_on <> LAG(records.joined_on) OVER (
                PARTITION BY records.customer_id
                ORDER BY records.updated_at
            )
            AND LAG(records.terminated_on) OVER (
                PARTITION BY records.customer_id
                ORDER BY records.updated_at
            ) <= records.joined_on
                THEN 1
            ELSE 0
        END AS begins
    FROM records
),

-- the last row of a span tells its days
told AS (
    SELECT
        in_turn.customer_id,
        in_turn.joined_on,
        in_turn.terminated_on,
        in_turn.updated_at,
        COALESCE(
            LEAD(in_turn.begins) OVER (
                PARTITION BY in_turn.customer_id
                ORDER BY in_turn.updated_at
            ),
            1
        ) AS is_last
    FROM in_turn
),

spans AS (
    SELECT
        told.customer_id,
        told.joined_on,
        told.terminated_on,
        ROW_NUMBER() OVER (
            PARTITION BY told.customer_id
            ORDER BY told.joined_on, told.terminated_on DESC NULLS FIRST, told.updated_at DESC
        ) AS place
    FROM told
    WHERE told.is_last = 1
),

-- a correction may put a span into another one; its days are the other's then
own_spans AS (
    SELECT spans.customer_id, spans.joined_on, spans.terminated_on
    FROM spans
    WHERE NOT EXISTS (
            SELECT 1
            FROM spans AS others
            WHERE others.customer_id = spans.customer_id
                AND others.place < spans.place
                AND (others.terminated_on IS NULL OR others.terminated_on >= spans.terminated_on)
        )
),

spans_of_days AS (
    SELECT
        own_spans.customer_id,
        own_spans.joined_on,
        own_spans.terminated_on,
        LAG(own_spans.joined_on) OVER (
            PARTITION BY own_spans.customer_id
            ORDER BY own_spans.joined_on
        ) IS NOT NULL AS is_further,
        LEAD(own_spans.joined_on) OVER (
            PARTITION BY own_spans.customer_id
            ORDER BY own_spans.joined_on
        ) AS next_joined_on
    FROM own_spans
    UNION ALL
    SELECT
        customers.customer_id,
        customers.joined_on,
        customers.terminated_on,
        FALSE AS is_further,
        CAST(NULL AS DATE) AS next_joined_on
    FROM customers
    WHERE NOT EXISTS (
            SELECT 1
            FROM rejoining
            WHERE rejoining.customer_id = customers.customer_id
        )
)

SELECT
    CAST(spans_of_days.customer_id AS VARCHAR) AS customer_id,
    CAST(spans_of_days.joined_on AS DATE) AS joined_on,
    CAST(spans_of_days.terminated_on AS DATE) AS terminated_on,
    CAST(CASE WHEN spans_of_days.is_further THEN spans_of_days.joined_on END AS DATE)
        AS counts_from,
    CAST(spans_of_days.next_joined_on AS DATE) AS counts_until
FROM spans_of_days
ORDER BY customer_id, joined_on
