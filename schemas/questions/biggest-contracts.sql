WITH large AS (
  SELECT contract_value_currency, list_min(max(contract_value_amount, 10)) AS least
  FROM procurement_contracts_flat
  WHERE contract_value_amount > 0 AND coalesce(contract_status, '') <> 'cancelled'
  GROUP BY ALL
), ranked AS (
  SELECT c.*, row_number() OVER (PARTITION BY c.contract_value_currency ORDER BY contract_value_amount DESC, member_code, ocid, contract_id) AS place
  FROM procurement_contracts_flat AS c
  JOIN large ON large.contract_value_currency = c.contract_value_currency AND c.contract_value_amount >= large.least
  WHERE coalesce(c.contract_status, '') <> 'cancelled'
)
SELECT contract_value_currency, place, member_code, year,
  coalesce(contract_title, tender_title) AS contract_title, buyer_name, supplier_name,
  CAST(contract_value_amount AS DECIMAL(38, 2)) AS value, ocid, contract_id
FROM ranked
WHERE place <= 10
ORDER BY contract_value_currency, place
