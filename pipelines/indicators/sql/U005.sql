-- The month in which the call opened, or where that is not known, that of the release.
SELECT member_code, year, strftime(coalesce(starts, release_date), '%Y-%m') AS category, 1 AS numerator FROM process
