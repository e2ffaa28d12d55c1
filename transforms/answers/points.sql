-- purpose: The customer's points from the opening to the closing of the span
-- grain: one row, none for a customer whom no committed file has
-- keys: none
-- inputs: points_lots(opening, credited, used, refunded, given_back, expired, outcome, expires_on),
--   points_span(last_day, on_a_day, first_month, last_month),
--   replayed_customers_spans(customer_id), published_point_exceptions(source_id), asked(year)
-- policy: none
-- rules: P11
WITH sums AS (
    SELECT
        COUNT(*) AS lots,
        SUM(points_lots.opening) AS opening,
        SUM(points_lots.credited) AS credited,
        SUM(points_lots.used + points_lots.refunded) AS spent,
        SUM(points_lots.given_back) AS restored,
        SUM(points_lots.expired) AS expired,
        SUM(points_lots.outcome) AS closing,
        SUM(
            CASE
                WHEN points_lots.expires_on > points_span.last_day
                    OR (points_lots.expires_on = points_span.last_day AND points_span.on_a_day)
                    THEN points_lots.outcome
                ELSE 0
            END
        ) AS usable
    FROM points_lots
    CROSS JOIN points_span
),

known AS (
    SELECT
        (
            SELECT COUNT(replayed_customers_spans.customer_id)
            FROM replayed_customers_spans
        ) AS spans,
        (
            SELECT COUNT(published_point_exceptions.source_id)
            FROM published_point_exceptions
        ) AS exceptions
)

SELECT
    CAST(
        CASE
            WHEN known.spans = 0 AND sums.lots = 0 THEN 'unknown_customer'
            WHEN points_span.on_a_day THEN 'on_a_day'
            WHEN points_span.first_month = points_span.last_month AND asked.year IS NULL THEN 'month'
            ELSE 'months'
        END
        AS VARCHAR
    ) AS said,
    CAST(COALESCE(sums.opening, 0) AS BIGINT) AS opening,
    CAST(COALESCE(sums.credited, 0) AS BIGINT) AS credited,
    CAST(COALESCE(sums.spent, 0) AS BIGINT) AS spent,
    CAST(COALESCE(sums.restored, 0) AS BIGINT) AS restored,
    CAST(COALESCE(sums.expired, 0) AS BIGINT) AS expired,
    CAST(COALESCE(sums.closing, 0) AS BIGINT) AS closing,
    CAST(COALESCE(sums.usable, 0) AS BIGINT) AS usable,
    CAST(points_span.first_month AS VARCHAR) AS first_month,
    CAST(points_span.last_month AS VARCHAR) AS last_month,
    CAST(points_span.last_day AS DATE) AS last_day,
    CAST(known.exceptions AS BIGINT) AS exceptions
FROM sums
CROSS JOIN points_span
CROSS JOIN known
CROSS JOIN asked
WHERE known.spans > 0 OR known.exceptions > 0 OR sums.lots > 0
