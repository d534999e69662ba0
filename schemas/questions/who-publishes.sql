WITH published AS (
  SELECT member_code, count(DISTINCT table_name) AS tables_published, CAST(sum(rows_count) AS BIGINT) AS published_rows,
    min(year) AS first_year, max(year) AS last_year
  FROM coverage
  WHERE (member_code, table_name) IN (SELECT (member_code, package_type || '_' || table_name) FROM release_versions WHERE NOT is_derived)
  GROUP BY ALL
), filled AS (
  SELECT member_code, CAST(sum(filled_count) AS BIGINT) AS filled_cells, CAST(sum(rows_count) AS BIGINT) AS expected_cells
  FROM fill_rates
  WHERE level IN ('required', 'recommended')
  GROUP BY ALL
), fresh AS (
  SELECT member_code, CAST(max(accepted_at) AS DATE) AS last_accepted
  FROM release_versions
  GROUP BY ALL
)
SELECT member_code, tables_published, published_rows, first_year, last_year, last_accepted, filled_cells, expected_cells,
  floor(1000.0 * filled_cells / nullif(expected_cells, 0)) / 10 AS filled_percent
FROM published
LEFT JOIN filled USING (member_code)
LEFT JOIN fresh USING (member_code)
ORDER BY member_code
