SELECT member_code, year,
  CASE WHEN count(supplier_scale) > 0 THEN count(*) FILTER (supplier_scale IN ('micro', 'small', 'medium', 'sme')) END AS msme_contracts,
  count(supplier_scale) AS contracts_with_scale,
  CASE WHEN count(supplier_scale) >= 20 THEN round(100.0 * count(*) FILTER (supplier_scale IN ('micro', 'small', 'medium', 'sme')) / count(supplier_scale), 1) END AS msme_percent,
  CASE WHEN count(supplier_women_owned) > 0 THEN count(*) FILTER (supplier_women_owned) END AS women_contracts,
  count(supplier_women_owned) AS contracts_with_ownership,
  CASE WHEN count(supplier_women_owned) >= 20 THEN round(100.0 * count(*) FILTER (supplier_women_owned) / count(supplier_women_owned), 1) END AS women_percent
FROM procurement_contracts_flat
WHERE coalesce(contract_status, '') <> 'cancelled'
GROUP BY ALL
HAVING count(supplier_scale) + count(supplier_women_owned) > 0
ORDER BY year DESC NULLS LAST, member_code
