-- purpose: The customers whose lots the fold has to look at in the month
-- grain: one row per customer with a redemption, cancellation or refund application in the month
-- keys: customer_id
-- inputs: redemptions(customer_id), refund_applications(customer_id)
-- policy: none
-- rules: P2
WITH requests AS (
    SELECT redemptions.customer_id
    FROM redemptions
    UNION ALL
    SELECT refund_applications.customer_id
    FROM refund_applications
)

SELECT DISTINCT CAST(requests.customer_id AS VARCHAR) AS customer_id
FROM requests
