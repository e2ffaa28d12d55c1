-- purpose: The month's requests in the order in which the fold takes them
-- grain: one row per delivered award request or mixed payment of the month
-- keys: source_id, kind
-- inputs: mileage_requests(member_id, source_id, kind, occurred_at, miles, refusal),
--   mileage_accounts(member_id, account)
-- policy: none
-- rules: W5, X1, X2
SELECT
    CAST(mileage_accounts.account AS BIGINT) AS account,
    CAST(mileage_requests.occurred_at AS DATE) AS on_day,
    CAST('spend' AS VARCHAR) AS action,
    CAST(mileage_requests.miles AS BIGINT) AS amount,
    CAST(NULL AS VARCHAR) AS quota,
    CAST(NULL AS BIGINT) AS quota_limit,
    CAST(mileage_requests.refusal AS VARCHAR) AS refusal,
    CAST(NULL AS BIGINT) AS ticket,
    CAST(mileage_requests.source_id AS VARCHAR) AS source_id,
    CAST(mileage_requests.kind AS VARCHAR) AS kind,
    CAST(mileage_requests.occurred_at AS TIMESTAMP) AS occurred_at
FROM mileage_requests
INNER JOIN mileage_accounts ON mileage_requests.member_id = mileage_accounts.member_id
ORDER BY
    mileage_accounts.account,
    mileage_requests.occurred_at,
    -- at the same time awards come first
    mileage_requests.kind <> 'award',
    mileage_requests.source_id
