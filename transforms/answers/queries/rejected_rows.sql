-- question: Which delivered rows were rejected, and why?
-- for: operator
-- tables: quarantine.billing, quarantine.customers, quarantine.subscriptions, quarantine.promotions, quarantine.purchases, quarantine.redemptions, quarantine.refund_applications, quarantine.micropayments, quarantine.limit_requests, quarantine.members, quarantine.flights, quarantine.award_requests, quarantine.mixed_payments
WITH rejected AS (
    SELECT 'billing' AS export, file, unnest(reasons) AS reason FROM quarantine.billing
    UNION ALL
    SELECT 'customers', file, unnest(reasons) FROM quarantine.customers
    UNION ALL
    SELECT 'subscriptions', file, unnest(reasons) FROM quarantine.subscriptions
    UNION ALL
    SELECT 'promotions', file, unnest(reasons) FROM quarantine.promotions
    UNION ALL
    SELECT 'purchases', file, unnest(reasons) FROM quarantine.purchases
    UNION ALL
    SELECT 'redemptions', file, unnest(reasons) FROM quarantine.redemptions
    UNION ALL
    SELECT 'refund_applications', file, unnest(reasons) FROM quarantine.refund_applications
    UNION ALL
    SELECT 'micropayments', file, unnest(reasons) FROM quarantine.micropayments
    UNION ALL
    SELECT 'limit_requests', file, unnest(reasons) FROM quarantine.limit_requests
    UNION ALL
    SELECT 'members', file, unnest(reasons) FROM quarantine.members
    UNION ALL
    SELECT 'flights', file, unnest(reasons) FROM quarantine.flights
    UNION ALL
    SELECT 'award_requests', file, unnest(reasons) FROM quarantine.award_requests
    UNION ALL
    SELECT 'mixed_payments', file, unnest(reasons) FROM quarantine.mixed_payments
)

SELECT export, file, reason, count(*) AS rows
FROM rejected
GROUP BY export, file, reason
ORDER BY export, file, reason
