-- purpose: The month's award requests and mixed payments, as the fold takes them
-- grain: one row per delivered award request or mixed payment of the month
-- keys: source_id, kind
-- inputs: priced_awards(request_id, member_id, requested_at, miles, refusal),
--   judged_mixed_payments(payment_id, member_id, paid_at, miles, refusal)
-- policy: none
-- rules: W5, X1, X2
-- kept: table
WITH requests AS (
    SELECT
        priced_awards.member_id,
        priced_awards.request_id AS source_id,
        'award' AS kind,
        priced_awards.requested_at AS occurred_at,
        priced_awards.miles,
        priced_awards.refusal
    FROM priced_awards
    UNION ALL
    SELECT
        judged_mixed_payments.member_id,
        judged_mixed_payments.payment_id AS source_id,
        'mixed_payment' AS kind,
        judged_mixed_payments.paid_at AS occurred_at,
        judged_mixed_payments.miles,
        judged_mixed_payments.refusal
    FROM judged_mixed_payments
)

SELECT
    CAST(requests.member_id AS VARCHAR) AS member_id,
    CAST(requests.source_id AS VARCHAR) AS source_id,
    CAST(requests.kind AS VARCHAR) AS kind,
    CAST(requests.occurred_at AS TIMESTAMP) AS occurred_at,
    CAST(requests.miles AS BIGINT) AS miles,
    CAST(requests.refusal AS VARCHAR) AS refusal
FROM requests
