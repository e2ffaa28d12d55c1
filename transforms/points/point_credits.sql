-- purpose: The lots that a month's credits make: yearly grants, collected bills, promotions and
--   purchases; those to unknown customers are credited to nobody
-- grain: one row per credit above 0
-- keys: lot_id
-- inputs: collections(customer_id, product, charge_item, collected_on, collected_amount),
--   promotions(promotion_credit_id, customer_id, credited_on, points, refundable, expires_on),
--   purchases(purchase_id, customer_id, purchased_at, channel, amount),
--   point_grants(customer_id, points, lot_id, credited_on, expires_on), customers(customer_id),
--   policy_tier_lines(product, charge_item, counts, valid_from, valid_to),
--   policy_point_payment_credits(points, per_amount, valid_from, valid_to),
--   policy_point_purchase_credits(channel, points, per_amount, valid_from, valid_to),
--   policy_point_credit_terms(kind, years_after, expiry_month, expiry_day, refundable, valid_from,
--   valid_to), policy_point_grant_terms(kind, refundable, valid_from, valid_to),
--   run_context(month, first_day, last_day)
-- policy: tier_lines, point_payment_credits, point_purchase_credits, point_credit_terms,
--   point_grant_terms
-- rules: P1, G2
-- kept: file
WITH counting_lines AS (
    SELECT policy_tier_lines.product, policy_tier_lines.charge_item
    FROM policy_tier_lines
    CROSS JOIN run_context
    WHERE policy_tier_lines.counts
        AND policy_tier_lines.valid_from <= run_context.last_day
        AND (
            policy_tier_lines.valid_to IS NULL
            OR run_context.last_day < policy_tier_lines.valid_to
        )
),

collected_lines AS (
    SELECT collections.customer_id, collections.collected_amount
    FROM collections
    INNER JOIN counting_lines
        ON collections.product = counting_lines.product
        AND collections.charge_item = counting_lines.charge_item
    CROSS JOIN run_context
    WHERE collections.collected_on BETWEEN run_context.first_day AND run_context.last_day
),

collected_amounts AS (
    SELECT
        collected_lines.customer_id,
        CAST(SUM(collected_lines.collected_amount) AS BIGINT) AS amount
    FROM collected_lines
    GROUP BY collected_lines.customer_id
),

-- amounts are above 0 here, so that whole-number division rounds down; dividing before
-- multiplying keeps large amounts within 64 bits
payments AS (
    SELECT
        'payment:' || run_context.month || ':' || collected_amounts.customer_id AS lot_id,
        collected_amounts.customer_id,
        run_context.last_day AS credited_on,
        collected_amounts.amount
        // policy_point_payment_credits.per_amount * policy_point_payment_credits.points
        + collected_amounts.amount
        % policy_point_payment_credits.per_amount * policy_point_payment_credits.points
        // policy_point_payment_credits.per_amount AS points
    FROM collected_amounts
    CROSS JOIN run_context
    INNER JOIN policy_point_payment_credits
        ON policy_point_payment_credits.valid_from <= run_context.last_day
        AND (
            policy_point_payment_credits.valid_to IS NULL
            OR run_context.last_day < policy_point_payment_credits.valid_to
        )
    WHERE collected_amounts.amount > 0
),

dated_purchases AS (
    SELECT
        purchases.purchase_id,
        purchases.customer_id,
        purchases.channel,
        purchases.amount,
        CAST(purchases.purchased_at AS DATE) AS credited_on
    FROM purchases
),

purchase_credits AS (
    SELECT
        'purchase:' || dated_purchases.purchase_id AS lot_id,
        dated_purchases.customer_id,
        dated_purchases.credited_on,
        dated_purchases.amount
        // policy_point_purchase_credits.per_amount * policy_point_purchase_credits.points
        + dated_purchases.amount
        % policy_point_purchase_credits.per_amount * policy_point_purchase_credits.points
        // policy_point_purchase_credits.per_amount AS points
    FROM dated_purchases
    INNER JOIN policy_point_purchase_credits
        ON dated_purchases.channel = policy_point_purchase_credits.channel
        AND policy_point_purchase_credits.valid_from <= dated_purchases.credited_on
        AND (
            policy_point_purchase_credits.valid_to IS NULL
            OR dated_purchases.credited_on < policy_point_purchase_credits.valid_to
        )
),

credits AS (
    SELECT
        payments.lot_id,
        payments.customer_id,
        'payment' AS kind,
        payments.credited_on,
        CAST(NULL AS DATE) AS expires_on,
        CAST(NULL AS BOOLEAN) AS refundable,
        payments.points
    FROM payments
    WHERE payments.points > 0
    UNION ALL
    SELECT
        'promotion:' || promotions.promotion_credit_id AS lot_id,
        promotions.customer_id,
        'promotion' AS kind,
        promotions.credited_on,
        promotions.expires_on,
        promotions.refundable,
        promotions.points
    FROM promotions
    UNION ALL
    SELECT
        purchase_credits.lot_id,
        purchase_credits.customer_id,
        'purchase' AS kind,
        purchase_credits.credited_on,
        CAST(NULL AS DATE) AS expires_on,
        CAST(NULL AS BOOLEAN) AS refundable,
        purchase_credits.points
    FROM purchase_credits
    WHERE purchase_credits.points > 0
),

credits_on_terms AS (
    SELECT
        credits.lot_id,
        credits.customer_id,
        credits.kind,
        credits.credited_on,
        COALESCE(
            credits.expires_on,
            MAKE_DATE(
                YEAR(credits.credited_on) + policy_point_credit_terms.years_after,
                policy_point_credit_terms.expiry_month,
                -- 29 February is the 28th where a year has none
                LEAST(
                    policy_point_credit_terms.expiry_day,
                    DAY(
                        LAST_DAY(
                            MAKE_DATE(
                                YEAR(credits.credited_on) + policy_point_credit_terms.years_after,
                                policy_point_credit_terms.expiry_month,
                                1
                            )
                        )
                    )
                )
            )
        ) AS expires_on,
        COALESCE(policy_point_credit_terms.refundable, credits.refundable) AS refundable,
        credits.points
    FROM credits
    INNER JOIN policy_point_credit_terms
        ON credits.kind = policy_point_credit_terms.kind
        AND policy_point_credit_terms.valid_from <= credits.credited_on
        AND (
            policy_point_credit_terms.valid_to IS NULL
            OR credits.credited_on < policy_point_credit_terms.valid_to
        )
),

all_credits AS (
    SELECT
        credits_on_terms.lot_id,
        credits_on_terms.customer_id,
        credits_on_terms.kind,
        credits_on_terms.credited_on,
        credits_on_terms.expires_on,
        credits_on_terms.refundable,
        credits_on_terms.points
    FROM credits_on_terms
    UNION ALL
    SELECT
        point_grants.lot_id,
        point_grants.customer_id,
        policy_point_grant_terms.kind,
        point_grants.credited_on,
        point_grants.expires_on,
        policy_point_grant_terms.refundable,
        point_grants.points
    FROM point_grants
    INNER JOIN policy_point_grant_terms
        ON policy_point_grant_terms.valid_from <= point_grants.credited_on
        AND (
            policy_point_grant_terms.valid_to IS NULL
            OR point_grants.credited_on < policy_point_grant_terms.valid_to
        )
    CROSS JOIN run_context
    WHERE point_grants.credited_on BETWEEN run_context.first_day AND run_context.last_day
)

SELECT
    CAST(all_credits.lot_id AS VARCHAR) AS lot_id,
    CAST(all_credits.customer_id AS VARCHAR) AS customer_id,
    CAST(all_credits.kind AS VARCHAR) AS kind,
    CAST(all_credits.credited_on AS DATE) AS credited_on,
    CAST(all_credits.expires_on AS DATE) AS expires_on,
    CAST(all_credits.refundable AS BOOLEAN) AS refundable,
    CAST(all_credits.points AS BIGINT) AS credited,
    CAST(all_credits.points AS BIGINT) AS remaining,
    CAST(NULL AS DATE) AS shortened_from,
    CAST(customers.customer_id IS NOT NULL AS BOOLEAN) AS known
FROM all_credits
LEFT JOIN customers ON all_credits.customer_id = customers.customer_id
