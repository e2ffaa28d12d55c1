-- question: What do customers pay by product, of what counts towards tiers?
-- for: analyst
-- tables: tier_snapshot
SELECT
    membership_year,
    sum(mobile_fee) AS mobile,
    sum(internet_fee) AS internet,
    sum(iptv_fee) AS iptv,
    sum(wibro_fee) AS wibro,
    sum(voip_fee) AS voip,
    sum(landline_fee) AS landline,
    sum(annual_fee) AS total
FROM tier_snapshot
GROUP BY membership_year
ORDER BY membership_year
