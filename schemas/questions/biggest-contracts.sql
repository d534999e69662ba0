WITH ranked AS (
  SELECT *, row_number() OVER (PARTITION BY contract_value_currency ORDER BY contract_value_amount DESC, member_code, ocid, contract_id) AS place
  FROM procurement_contracts_flat
  WHERE contract_value_amount > 0
    AND contract_value_currency IS NOT NULL
    AND coalesce(contract_status, '') <> 'cancelled'
)
SELECT contract_value_currency, place, member_code, year,
  coalesce(contract_title, tender_title) AS contract_title, buyer_name, supplier_name,
  CAST(contract_value_amount AS DECIMAL(38, 2)) AS value, ocid, contract_id
FROM ranked
WHERE place <= 10
ORDER BY contract_value_currency, place
