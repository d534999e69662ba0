-- Processes with dated tender documents: those with one published on a later day than the call opened.
WITH last AS (
  SELECT member_code, ocid, max(date_published) AS published FROM documents
  WHERE stage = 'tender' AND document_type IS DISTINCT FROM 'tenderNotice' AND date_published IS NOT NULL GROUP BY ALL
)
SELECT p.member_code, p.year, p.buyer_id, CAST(CAST(d.published AS DATE) > CAST(p.starts AS DATE) AS INTEGER) AS numerator
FROM process AS p LEFT JOIN last AS d USING (member_code, ocid)
