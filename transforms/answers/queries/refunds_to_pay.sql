-- question: Which refunds are to be paid on which day, and how?
-- for: finance
-- tables: refund_results
SELECT
    pay_on,
    method,
    count(*) AS refunds,
    sum(points) AS points,
    sum(fee) AS fee,
    sum(amount_krw) AS won
FROM refund_results
WHERE status = 'accepted'
GROUP BY pay_on, method
ORDER BY pay_on, method
