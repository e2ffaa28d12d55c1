-- question: Which policy values rest on an assumption, and which?
-- for: auditor
-- tables: policies.policies
SELECT policy, key, "column", value, unit, valid_from, valid_to, source
FROM policies.policies
WHERE source LIKE 'assumption%'
ORDER BY policy, key, "column", valid_from
