WITH reasons AS (
  SELECT *, regexp_matches(
    strip_accents(lower(concat_ws(' ', procurement_method_details, procurement_method_rationale))),
    'emergenc|urgen|calamid|catastrof|catastroph|desastre|disaster'
  ) AS is_emergency
  FROM procurement_contracts_flat
  WHERE coalesce(procurement_method_details, procurement_method_rationale) IS NOT NULL
    AND coalesce(contract_status, '') <> 'cancelled'
)
SELECT member_code, year, contract_value_currency,
  count(*) FILTER (is_emergency) AS emergency_contracts,
  count(*) AS contracts_with_reason,
  CASE WHEN count(*) >= 20 THEN round(100.0 * count(*) FILTER (is_emergency) / count(*), 1) END AS emergency_percent,
  CAST(sum(contract_value_amount) FILTER (is_emergency) AS DECIMAL(38, 2)) AS emergency_value
FROM reasons
GROUP BY ALL
ORDER BY year DESC NULLS LAST, member_code, contract_value_currency
