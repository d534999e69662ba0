SELECT member_code, year, contract_value_currency,
  count(*) FILTER (procurement_method = 'direct') AS direct_contracts,
  count(*) AS contracts_counted,
  CAST(coalesce(sum(contract_value_amount) FILTER (procurement_method = 'direct'), 0) AS DECIMAL(38, 2)) AS direct_value,
  CAST(sum(contract_value_amount) AS DECIMAL(38, 2)) AS total_value,
  CASE WHEN count(*) >= 20 THEN round(100.0 * CAST(coalesce(sum(contract_value_amount) FILTER (procurement_method = 'direct'), 0) AS DOUBLE)
    / nullif(CAST(sum(contract_value_amount) AS DOUBLE), 0), 1) END AS direct_percent
FROM procurement_contracts_flat
WHERE procurement_method IS NOT NULL
  AND contract_value_amount > 0
  AND contract_value_currency IS NOT NULL
  AND coalesce(contract_status, '') <> 'cancelled'
GROUP BY ALL
ORDER BY year DESC NULLS LAST, member_code, contract_value_currency
