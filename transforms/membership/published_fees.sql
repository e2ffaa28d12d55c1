-- purpose: What each customer paid on the lines that count, as it is published of the year: for a
--   simulation that changes nothing that fees are added up by, so that no bill is read
-- grain: one row per customer of the year's snapshot, or of its exceptions
-- keys: customer_id
-- inputs: published_tier_snapshot(customer_id, mobile_fee, internet_fee, iptv_fee, wibro_fee,
--   voip_fee, landline_fee, annual_fee), published_tier_exceptions(customer_id, amount, lines)
-- policy: none
-- rules: T3, T7
WITH fees AS (
    SELECT
        published_tier_snapshot.customer_id,
        published_tier_snapshot.mobile_fee,
        published_tier_snapshot.internet_fee,
        published_tier_snapshot.iptv_fee,
        published_tier_snapshot.wibro_fee,
        published_tier_snapshot.voip_fee,
        published_tier_snapshot.landline_fee,
        published_tier_snapshot.annual_fee,
        0 AS lines
    FROM published_tier_snapshot
    UNION ALL
    -- of whom nobody assesses only the sum is published, and only that is asked for
    SELECT
        published_tier_exceptions.customer_id,
        0 AS mobile_fee,
        0 AS internet_fee,
        0 AS iptv_fee,
        0 AS wibro_fee,
        0 AS voip_fee,
        0 AS landline_fee,
        published_tier_exceptions.amount AS annual_fee,
        published_tier_exceptions.lines
    FROM published_tier_exceptions
)

SELECT
    CAST(fees.customer_id AS VARCHAR) AS customer_id,
    CAST(fees.mobile_fee AS BIGINT) AS mobile_fee,
    CAST(fees.internet_fee AS BIGINT) AS internet_fee,
    CAST(fees.iptv_fee AS BIGINT) AS iptv_fee,
    CAST(fees.wibro_fee AS BIGINT) AS wibro_fee,
    CAST(fees.voip_fee AS BIGINT) AS voip_fee,
    CAST(fees.landline_fee AS BIGINT) AS landline_fee,
    CAST(fees.annual_fee AS BIGINT) AS annual_fee,
    CAST(fees.lines AS BIGINT) AS lines
FROM fees
