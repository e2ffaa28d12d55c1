-- purpose: The cancellation of the earlier use, as soon as it was made
-- grain: one row
-- keys: redemption_id
-- inputs: redemption_request(customer_id, benefit, partner), redemption_if_cancelled(earlier_at,
--   earlier_id)
-- policy: none
-- rules: P4, P5
SELECT
    CAST('cancellation' AS VARCHAR) AS redemption_id,
    CAST(redemption_request.customer_id AS VARCHAR) AS customer_id,
    CAST(redemption_if_cancelled.earlier_at AS TIMESTAMP) AS used_at,
    CAST(redemption_request.benefit AS VARCHAR) AS benefit,
    CAST(redemption_request.partner AS VARCHAR) AS partner,
    CAST(0 AS BIGINT) AS points,
    CAST(redemption_if_cancelled.earlier_id AS VARCHAR) AS cancels
FROM redemption_if_cancelled
CROSS JOIN redemption_request
