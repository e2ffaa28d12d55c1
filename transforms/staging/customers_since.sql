-- purpose: What customers' rows tell, added up by the moment from which it could matter
-- grain: one row per kind and moment
-- keys: kind, since
-- inputs: customers_spans(customer_id, joined_on, terminated_on, counts_from),
--   customers(customer_id, updated_at), customers_history(customer_id, updated_at)
-- policy: none
-- rules: R1, R2
WITH first_days AS (
    SELECT customers_spans.customer_id, customers_spans.joined_on
    FROM customers_spans
    WHERE customers_spans.counts_from IS NULL
),

earliest AS (
    SELECT customers_history.customer_id, MIN(customers_history.updated_at) AS updated_at
    FROM customers_history
    GROUP BY customers_history.customer_id
),

records AS (
    SELECT
        customers.customer_id,
        customers.updated_at,
        earliest.customer_id IS NULL AS is_first
    FROM customers
    LEFT JOIN earliest ON customers.customer_id = earliest.customer_id
    UNION ALL
    SELECT
        customers_history.customer_id,
        customers_history.updated_at,
        customers_history.updated_at = earliest.updated_at AS is_first
    FROM customers_history
    INNER JOIN earliest ON customers_history.customer_id = earliest.customer_id
),

-- what is known of a customer holds before the first row too, as far as anybody asks: from the day on
-- that they joined
facts AS (
    SELECT
        'span' AS kind,
        CAST(customers_spans.joined_on AS TIMESTAMP) AS since,
        customers_spans.customer_id || ' ' || CAST(customers_spans.joined_on AS VARCHAR) AS fact
    FROM customers_spans
    UNION ALL
    SELECT
        'span' AS kind,
        CAST(customers_spans.terminated_on AS TIMESTAMP) AS since,
        customers_spans.customer_id || ' ' || CAST(customers_spans.joined_on AS VARCHAR)
        || ' ' || CAST(customers_spans.terminated_on AS VARCHAR) AS fact
    FROM customers_spans
    WHERE customers_spans.terminated_on IS NOT NULL
    UNION ALL
    SELECT
        'record' AS kind,
        CASE
            WHEN records.is_first THEN CAST(first_days.joined_on AS TIMESTAMP)
            WHEN records.updated_at = CAST(CAST(records.updated_at AS DATE) AS TIMESTAMP)
                THEN records.updated_at
            ELSE CAST(
                CAST(CAST(records.updated_at AS DATE) AS TIMESTAMP) + INTERVAL 1 SECOND
                AS TIMESTAMP
            )
        END AS since,
        records.customer_id || ' ' || CAST(records.updated_at AS VARCHAR) AS fact
    FROM records
    INNER JOIN first_days ON records.customer_id = first_days.customer_id
)

SELECT
    CAST(facts.kind AS VARCHAR) AS kind,
    CAST(facts.since AS TIMESTAMP) AS since,
    CAST(COUNT(*) AS BIGINT) AS facts,
    CAST(SUM(MD5_NUMBER_LOWER(facts.fact)) AS DECIMAL(38, 0)) AS digest
FROM facts
GROUP BY facts.kind, facts.since
ORDER BY kind, since
