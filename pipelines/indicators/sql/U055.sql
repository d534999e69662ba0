-- Processes of members that publish items: those without an item that has a code or a description.
WITH told AS (
  SELECT DISTINCT member_code, ocid FROM items WHERE coalesce(classification_id, description) IS NOT NULL
)
SELECT p.member_code, p.year, p.buyer_id,
  CASE WHEN p.member_code IN (SELECT member_code FROM publishes WHERE table_name = 'items') THEN CAST(i.ocid IS NULL AS INTEGER) END AS numerator
FROM process AS p LEFT JOIN told AS i USING (member_code, ocid)
