-- purpose: the keys that a delivery brings more than once, or that a staged row already has; only
--   keys whose hash occurs twice are compared, since sorting numbers is far cheaper than grouping
--   text
-- grain: one row per contested key
-- keys: scope, record_key
-- inputs: arrivals(scope, record_key, key_hash), held(scope, record_key)
-- policy: none
-- rules: D2, D3
WITH neighbours AS (
    SELECT key_hash, LAG(key_hash) OVER (ORDER BY key_hash) AS key_hash_before
    FROM arrivals
),

repeated_hashes AS (
    SELECT DISTINCT key_hash
    FROM neighbours
    WHERE key_hash = key_hash_before
),

repeated AS (
    SELECT arrivals.scope, arrivals.record_key
    FROM arrivals
    SEMI JOIN repeated_hashes USING (key_hash)
    GROUP BY arrivals.scope, arrivals.record_key
    HAVING COUNT(*) > 1
),

known AS (
    SELECT arrivals.scope, arrivals.record_key
    FROM arrivals
    SEMI JOIN held USING (scope, record_key)
)

SELECT scope, record_key FROM repeated
UNION
SELECT scope, record_key FROM known
