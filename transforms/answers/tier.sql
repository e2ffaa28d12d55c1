-- purpose: The membership tier of the asked customer and year, or why there is none
-- grain: one row, none for a customer whom no committed file has
-- keys: none
-- inputs: asked(customer_id), published_tier_snapshot(customer_id, annual_fee, fee_tier,
--   tenure_years, upgraded, tier), published_tier_exceptions(customer_id, reason, amount),
--   replayed_customers_spans(customer_id, joined_on, terminated_on, counts_from, counts_until),
--   replayed_run_context(assessed_on, window_from, window_to)
-- policy: none
-- rules: T1, T4, T5, T6, T7, R1
WITH spans AS (
    SELECT
        replayed_customers_spans.customer_id,
        CASE
            WHEN replayed_customers_spans.joined_on > replayed_run_context.assessed_on
                THEN 'not_joined'
            WHEN replayed_customers_spans.terminated_on <= replayed_run_context.assessed_on
                THEN 'terminated'
        END AS reason
    FROM replayed_customers_spans
    CROSS JOIN replayed_run_context
    WHERE (
            replayed_customers_spans.counts_from IS NULL
            OR replayed_customers_spans.counts_from <= replayed_run_context.assessed_on
        )
        AND (
            replayed_customers_spans.counts_until IS NULL
            OR replayed_run_context.assessed_on < replayed_customers_spans.counts_until
        )
),

answers AS (
    SELECT
        published_tier_snapshot.tier,
        published_tier_snapshot.fee_tier,
        published_tier_snapshot.upgraded,
        COALESCE(published_tier_snapshot.annual_fee, published_tier_exceptions.amount, 0)
            AS annual_fee,
        published_tier_snapshot.tenure_years,
        COALESCE(published_tier_exceptions.reason, spans.reason) AS reason
    FROM asked
    LEFT JOIN published_tier_snapshot ON asked.customer_id = published_tier_snapshot.customer_id
    LEFT JOIN published_tier_exceptions ON asked.customer_id = published_tier_exceptions.customer_id
    LEFT JOIN spans ON asked.customer_id = spans.customer_id
    WHERE published_tier_snapshot.customer_id IS NOT NULL
        OR published_tier_exceptions.customer_id IS NOT NULL
        OR spans.customer_id IS NOT NULL
)

SELECT
    CAST(CASE WHEN answers.tier IS NULL THEN 'not_assessed' ELSE 'assessed' END AS VARCHAR) AS said,
    CAST(answers.tier AS VARCHAR) AS tier,
    CAST(answers.fee_tier AS VARCHAR) AS fee_tier,
    CAST(answers.upgraded AS BOOLEAN) AS upgraded,
    CAST(answers.annual_fee AS BIGINT) AS annual_fee,
    CAST(answers.tenure_years AS BIGINT) AS tenure_years,
    CAST(CASE WHEN answers.tier IS NULL THEN answers.reason END AS VARCHAR) AS reason,
    CAST(replayed_run_context.assessed_on AS DATE) AS assessed_on,
    CAST(replayed_run_context.window_from AS VARCHAR) AS window_from,
    CAST(replayed_run_context.window_to AS VARCHAR) AS window_to
FROM answers
CROSS JOIN replayed_run_context
