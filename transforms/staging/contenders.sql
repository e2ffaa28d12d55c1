-- purpose: the rows of contested keys, arrived and held, with their content as one value
-- grain: one row per arrived or held row of a contested key
-- keys: source_file, source_row (none for a held row: scope, record_key)
-- inputs: contested(scope, record_key), arrivals(*), held(*)
-- policy: none
-- rules: D2, D3
WITH arrived AS (
    SELECT
        arrival.scope,
        arrival.record_key,
        arrival.record_revision,
        arrival.source_file,
        arrival.source_row,
        arrival.first_total,
        arrival.second_total,
        arrival.content
    FROM arrivals AS arrival
    SEMI JOIN contested USING (scope, record_key)
),

incumbent AS (
    SELECT
        held.scope,
        held.record_key,
        held.record_revision,
        CAST(NULL AS BIGINT) AS source_file,
        CAST(NULL AS BIGINT) AS source_row,
        held.first_total,
        held.second_total,
        held.content
    FROM held
    SEMI JOIN contested USING (scope, record_key)
)

SELECT * FROM arrived
UNION ALL
SELECT * FROM incumbent
