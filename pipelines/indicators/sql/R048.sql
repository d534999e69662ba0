-- A supplier with awards in unusually many kinds of things: first signs of the codes of what it was awarded alone.
WITH coded AS (
  SELECT DISTINCT a.member_code, a.supplier_id, a.ocid, left(i.classification_id, CAST(number('digits') AS BIGINT)) AS class
  FROM award AS a
  JOIN items AS i ON i.member_code = a.member_code AND i.ocid = a.ocid AND i.stage = 'award' AND i.parent_id IS NOT DISTINCT FROM a.award_id
  WHERE a.judged AND a.status = 'active' AND a.supplier_id IS NOT NULL AND i.classification_id IS NOT NULL
), wide AS (
  SELECT member_code, supplier_id, count(DISTINCT class) AS classes, count(DISTINCT ocid) AS processes
  FROM coded GROUP BY ALL HAVING processes >= number('minimum_contracting_processes')
), fence AS (
  SELECT member_code, r8(many, 0.25) AS q1, r8(many, 0.75) AS q3,
    coalesce(number('threshold'), ceil(q3 + 1.5 * (q3 - q1))) AS fence
  FROM (SELECT member_code, list(CAST(classes AS DOUBLE) ORDER BY classes) AS many FROM wide GROUP BY ALL)
)
SELECT member_code, NULL AS year, NULL AS buyer_id, 'tenderer' AS scope, supplier_id AS scope_id, NULL AS ocid,
  classes >= fence AS flagged, classes AS value, fence AS threshold, NULL AS currency,
  {'classes': classes, 'processes': processes, 'q1': q1, 'q3': q3} AS inputs, true AS counted
FROM wide JOIN fence USING (member_code)
