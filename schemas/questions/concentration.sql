WITH suppliers AS (
  SELECT member_code, main_procurement_category, contract_value_currency,
    coalesce(supplier_id, supplier_name) AS supplier,
    count(*) AS contracts,
    CAST(sum(contract_value_amount) AS DOUBLE) AS value
  FROM procurement_contracts_flat
  WHERE coalesce(supplier_id, supplier_name) IS NOT NULL
    AND contract_value_amount > 0
    AND contract_value_currency IS NOT NULL
    AND main_procurement_category IS NOT NULL
    AND coalesce(contract_status, '') <> 'cancelled'
  GROUP BY ALL
), ranked AS (
  SELECT *, row_number() OVER (PARTITION BY member_code, main_procurement_category, contract_value_currency ORDER BY value DESC) AS place
  FROM suppliers
)
SELECT member_code, main_procurement_category, contract_value_currency,
  count(*) AS suppliers,
  CAST(sum(contracts) AS BIGINT) AS contracts_counted,
  CAST(sum(value) AS DECIMAL(38, 2)) AS total_value,
  CASE WHEN sum(contracts) >= 20 THEN round(100.0 * sum(value) FILTER (place = 1) / sum(value), 1) END AS largest_percent,
  CASE WHEN sum(contracts) >= 20 THEN round(100.0 * sum(value) FILTER (place <= 4) / sum(value), 1) END AS four_largest_percent
FROM ranked
GROUP BY ALL
ORDER BY member_code, main_procurement_category, contract_value_currency
