-- purpose: The region that the airport abroad belongs to, by the region chart
-- grain: one row, none by the distance chart, on domestic routes, or without a chart
-- keys: none
-- inputs: award_request(requested_on, chart, zone, foreign_airport, foreign_country, band, origin,
--   destination), award_chart(outcome),
--   policy_award_regions(place, region, valid_from, valid_to)
-- policy: award_regions
-- rules: W2
WITH places AS (
    SELECT
        award_request.requested_on,
        award_request.origin,
        award_request.destination,
        award_request.foreign_airport,
        award_request.foreign_country,
        award_request.band,
        policy_award_regions.place
    FROM award_request
    INNER JOIN award_chart ON award_request.chart = award_chart.outcome
    LEFT JOIN policy_award_regions
        ON award_request.band = policy_award_regions.region
        AND policy_award_regions.place IN (
            award_request.foreign_airport, award_request.foreign_country, '*'
        )
        AND policy_award_regions.valid_from <= award_request.requested_on
        AND (
            policy_award_regions.valid_to IS NULL
            OR award_request.requested_on < policy_award_regions.valid_to
        )
    WHERE award_request.chart = 'region' AND award_request.zone <> 'domestic'
)

SELECT
    CAST(CASE WHEN MAX(places.band) IS NULL THEN 'none' ELSE 'region' END AS VARCHAR) AS said,
    CAST(MAX(places.band) AS VARCHAR) AS outcome,
    CAST(MAX(places.origin) AS VARCHAR) AS origin,
    CAST(MAX(places.destination) AS VARCHAR) AS destination,
    CAST(MAX(places.foreign_airport) AS VARCHAR) AS foreign_airport,
    CAST(MAX(places.foreign_country) AS VARCHAR) AS foreign_country,
    -- the most particular place of that region
    CAST(
        COALESCE(
            MAX(places.place) FILTER (WHERE places.place = places.foreign_airport),
            MAX(places.place) FILTER (WHERE places.place = places.foreign_country),
            MAX(places.place)
        )
        AS VARCHAR
    ) AS place,
    CAST(CASE WHEN MAX(places.band) IS NOT NULL THEN MAX(places.requested_on) END AS DATE)
        AS region_on
FROM places
GROUP BY places.requested_on
