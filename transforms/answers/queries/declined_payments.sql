-- question: Which micropayments were declined, month by month, and why?
-- for: operator
-- tables: micropayment_results
SELECT month, reason, count(*) AS payments, sum(amount) AS won
FROM micropayment_results
WHERE status = 'declined'
GROUP BY month, reason
ORDER BY month, reason
