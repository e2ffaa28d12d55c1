-- purpose: Customers with an activity from the year's first day up to, not including, a day
-- grain: one row per customer with a collection, purchase, accepted redemption or accepted refund
-- keys: customer_id
-- inputs: collections(customer_id, collected_on), purchases(customer_id, purchased_at),
--   redemption_results(customer_id, used_at, cancels, status),
--   refund_results(customer_id, applied_at, status), run_context(active_from, active_until)
-- policy: none
-- rules: P9, P10
-- kept: table
WITH activities AS (
    SELECT collections.customer_id, collections.collected_on AS on_day
    FROM collections
    UNION ALL
    SELECT purchases.customer_id, CAST(purchases.purchased_at AS DATE) AS on_day
    FROM purchases
    UNION ALL
    SELECT redemption_results.customer_id, CAST(redemption_results.used_at AS DATE) AS on_day
    FROM redemption_results
    WHERE redemption_results.status = 'accepted' AND redemption_results.cancels IS NULL
    UNION ALL
    SELECT refund_results.customer_id, CAST(refund_results.applied_at AS DATE) AS on_day
    FROM refund_results
    WHERE refund_results.status = 'accepted'
)

SELECT DISTINCT CAST(activities.customer_id AS VARCHAR) AS customer_id
FROM activities
CROSS JOIN run_context
WHERE activities.on_day >= run_context.active_from
    AND activities.on_day < run_context.active_until
