WITH suppliers AS (
  SELECT member_code, contract_value_currency, supplier_id, any_value(supplier_name) AS supplier_name,
    count(*) AS contracts,
    CAST(sum(contract_value_amount) AS DECIMAL(38, 2)) AS value
  FROM procurement_contracts_flat
  WHERE coalesce(supplier_id, supplier_name) IS NOT NULL
    AND contract_value_amount > 0
    AND contract_value_currency IS NOT NULL
    AND coalesce(contract_status, '') <> 'cancelled'
  GROUP BY member_code, contract_value_currency, supplier_id, CASE WHEN supplier_id IS NULL THEN supplier_name END
), ranked AS (
  SELECT *, row_number() OVER (PARTITION BY member_code, contract_value_currency ORDER BY value DESC, supplier_name, supplier_id) AS place,
    sum(value) OVER (PARTITION BY member_code, contract_value_currency) AS total
  FROM suppliers
)
SELECT member_code, contract_value_currency, place, supplier_name, supplier_id, contracts, value,
  round(100.0 * CAST(value AS DOUBLE) / nullif(CAST(total AS DOUBLE), 0), 1) AS value_percent
FROM ranked
WHERE place <= 5
ORDER BY member_code, contract_value_currency, place
