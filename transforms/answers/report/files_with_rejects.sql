-- purpose: The delivered files that were refused or of which rows were rejected, the worst first
-- grain: one row per delivery and file
-- keys: delivery, export, file
-- inputs: delivered_files(delivery, export, file, status, delivered, quarantined, held_back)
-- policy: none
-- rules: Q1, Q2
SELECT
    CAST(delivered_files.delivery AS BIGINT) AS delivery,
    CAST(delivered_files.export AS VARCHAR) AS export,
    CAST(delivered_files.file AS VARCHAR) AS file,
    CAST(delivered_files.status AS VARCHAR) AS status,
    CAST(delivered_files.delivered AS BIGINT) AS delivered,
    CAST(delivered_files.quarantined AS BIGINT) AS rejected,
    CAST(delivered_files.held_back AS BIGINT) AS held_back
FROM delivered_files
WHERE delivered_files.quarantined > 0
    OR delivered_files.status <> 'accepted'
ORDER BY rejected DESC, delivery, export, file
