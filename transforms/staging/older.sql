-- purpose: the arrived rows that were so until a later one: of an export whose rows say since when
--   they hold these are kept with the replaced ones; of one moment only where all say the same
-- grain: one row per key and moment
-- keys: scope, record_key, record_revision
-- inputs: arrivals(*), outcomes(source_file, source_row, outcome)
-- policy: none
-- rules: D2, R1, R2
WITH older_rows AS (
    SELECT
        arrival.*,
        ROW_NUMBER() OVER (
            PARTITION BY arrival.scope, arrival.record_key, arrival.record_revision
            ORDER BY arrival.source_file, arrival.source_row
        ) AS place
    FROM arrivals AS arrival
    SEMI JOIN (SELECT source_file, source_row FROM outcomes WHERE outcome = 'stale') AS lost
        USING (source_file, source_row)
),

moments AS (
    SELECT scope, record_key, record_revision
    FROM older_rows
    GROUP BY scope, record_key, record_revision
    HAVING COUNT(DISTINCT content) = 1
)

SELECT * EXCLUDE (place)
FROM older_rows
SEMI JOIN moments USING (scope, record_key, record_revision)
WHERE place = 1
