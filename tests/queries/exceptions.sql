SELECT membership_year, reason, count(*) AS customers, sum(lines) AS lines, sum(amount) AS won
FROM tier_exceptions
GROUP BY membership_year, reason
ORDER BY membership_year, reason;
