-- Days from the award to the signature at or above the upper fence (Q3 + 1.5 IQR) of the member's contracts by that procedure.
WITH waited AS (
  SELECT member_code, year, buyer_id, ocid, contract_id, method, award_date, date_signed,
    CASE WHEN date_signed >= award_date THEN (epoch(date_signed) - epoch(award_date)) / 86400 END AS days
  FROM contract WHERE judged AND award_id IS NOT NULL
), fence AS (
  SELECT member_code, method, n, r8(waits, 0.25) AS q1, r8(waits, 0.75) AS q3, q3 + 1.5 * (q3 - q1) AS fence
  FROM (SELECT member_code, method, count(*) AS n, list(days ORDER BY days) AS waits FROM waited WHERE days IS NOT NULL GROUP BY ALL)
  WHERE n >= number('minimum') AND method IS NOT NULL
)
SELECT w.member_code, w.year, w.buyer_id, 'contract' AS scope, w.contract_id AS scope_id, w.ocid,
  CASE WHEN f.n IS NOT NULL THEN q3 > q1 AND days >= fence END AND days IS NOT NULL AS flagged, days AS value, fence AS threshold,
  NULL AS currency, {'awarded': award_date, 'signed': date_signed, 'peers': f.n} AS inputs, true AS counted
FROM waited AS w LEFT JOIN fence AS f USING (member_code, method)
WHERE days IS NOT NULL OR award_date IS NULL OR date_signed IS NULL
