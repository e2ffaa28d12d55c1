-- purpose: what becomes of each arrived row of a contested key
-- grain: one row per arrived row of a contested key
-- keys: source_file, source_row
-- inputs: contenders(*)
-- policy: none
-- rules: D2, D3
WITH highest AS (
    SELECT scope, record_key, MAX(record_revision) AS record_revision
    FROM contenders
    GROUP BY scope, record_key
),

current_contents AS (
    SELECT
        contender.scope,
        contender.record_key,
        highest.record_revision,
        COUNT(DISTINCT contender.content) AS contents,
        MAX(CASE WHEN contender.source_file IS NULL THEN contender.content END) AS held_content
    FROM contenders AS contender
    INNER JOIN highest
        ON
            contender.scope = highest.scope
            AND contender.record_key = highest.record_key
            AND contender.record_revision = highest.record_revision
    GROUP BY contender.scope, contender.record_key, highest.record_revision
),

ranked AS (
    SELECT
        contender.*,
        current_contents.record_revision AS highest_revision,
        current_contents.contents,
        current_contents.held_content,
        ROW_NUMBER() OVER (
            PARTITION BY contender.scope, contender.record_key, contender.record_revision
            ORDER BY contender.source_file, contender.source_row
        ) AS place
    FROM contenders AS contender
    INNER JOIN current_contents
        ON
            contender.scope = current_contents.scope
            AND contender.record_key = current_contents.record_key
    WHERE contender.source_file IS NOT NULL
)

SELECT
    scope,
    record_key,
    source_file,
    source_row,
    first_total,
    second_total,
    CASE
        WHEN record_revision < highest_revision THEN 'stale'
        WHEN content = held_content THEN 'duplicate'
        WHEN held_content IS NOT NULL OR contents > 1 THEN 'conflict'
        WHEN place > 1 THEN 'duplicate'
        ELSE 'accepted'
    END AS outcome
FROM ranked
