-- question: Which bills has a customer not paid in full?
-- for: agent
-- tables: staged.billing
-- parameters: customer_id (C0000194)
SELECT
    billing_month,
    due_on,
    sum(billed_amount) AS billed,
    sum(collected_amount) AS collected,
    sum(billed_amount - collected_amount) AS unpaid
FROM staged.billing
WHERE customer_id = $customer_id AND collected_amount < billed_amount
GROUP BY billing_month, due_on
ORDER BY billing_month, due_on
