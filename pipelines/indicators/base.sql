-- What the indicators read, worked out once from the tables of the standard.
-- Every table below has the columns of the standard, NULL where the publisher has none; `member_code` and `year` too.

-- One row per party that bid in a process.
CREATE OR REPLACE TEMP TABLE bidder AS
SELECT DISTINCT member_code, ocid, party_id
FROM (
  SELECT member_code, ocid, party_id FROM tenderers
  UNION ALL
  SELECT member_code, ocid, party_id FROM bid_tenderers
)
WHERE party_id IS NOT NULL;

-- One row per award; only `active` is an award in force (OCDS awardStatus).
CREATE OR REPLACE TEMP TABLE award_alone AS
WITH named AS (
  SELECT member_code, ocid, award_id, count(*) AS suppliers, min(party_id) AS supplier_id
  FROM award_suppliers GROUP BY ALL
)
SELECT a.member_code, a.ocid, a.award_id, a.year, a.status, a.date, a.contract_period_start,
  a.value_amount AS amount, a.value_currency AS currency, coalesce(n.suppliers, 0) AS suppliers,
  CASE WHEN n.suppliers = 1 THEN n.supplier_id END AS supplier_id
FROM awards AS a LEFT JOIN named AS n USING (member_code, ocid, award_id);

-- One row per contracting process. `judged`: flags look at it, which leaves out what was cancelled or is excluded.
-- `winner`: the supplier, where one active award with one supplier is all that was decided, and all is decided.
CREATE OR REPLACE TEMP TABLE process AS
WITH bids_of AS (
  SELECT member_code, ocid, count(*) AS bidders FROM bidder GROUP BY ALL
), decided AS (
  SELECT member_code, ocid, count(*) AS awards, count(*) FILTER (status = 'active') AS active_awards,
    count(*) FILTER (status NOT IN ('active', 'cancelled', 'unsuccessful')) AS open_awards,
    min(date) FILTER (status = 'active') AS first_award, min(year) AS award_year,
    max(suppliers) FILTER (status = 'active') AS most_suppliers,
    max(supplier_id) FILTER (status = 'active') AS supplier_id,
    count(status) AS with_status
  FROM award_alone GROUP BY ALL
), reasons AS (
  -- The words of an emergency in es, en, pt and fr; told apart once for each text, not for each process.
  SELECT details, rationale, regexp_matches(
    strip_accents(lower(concat_ws(' ', details, rationale))), 'emergenc|urgen|calamid|catastrof|catastroph|desastre|disaster'
  ) AS emergency
  FROM (
    SELECT DISTINCT coalesce(procurement_method_details, '') AS details, coalesce(procurement_method_rationale, '') AS rationale
    FROM processes WHERE coalesce(procurement_method_details, procurement_method_rationale) IS NOT NULL
  )
), signed AS (
  SELECT member_code, ocid, min(coalesce(date_signed, period_start)) AS first_signed FROM contracts GROUP BY ALL
)
SELECT p.member_code, p.ocid, p.tender_id, p.release_date, p.tender_status AS status,
  coalesce(p.buyer_id, p.procuring_entity_id) AS buyer_id, p.buyer_id AS own_buyer_id, p.procuring_entity_id AS entity_id,
  coalesce(p.procurement_method, x.procurement_method) AS method, p.procurement_method_details AS details,
  p.procurement_method_rationale AS rationale, p.main_procurement_category AS category, p.award_criteria AS criteria,
  p.tender_title AS title, p.tender_description AS description,
  p.tender_value_amount AS amount, p.tender_value_currency AS currency,
  p.tender_period_start AS starts, p.tender_period_end AS ends,
  g.budget_amount, g.budget_currency,
  p.number_of_tenderers, coalesce(p.number_of_tenderers, b.bidders) AS bidders,
  coalesce(d.awards, 0) AS awards, coalesce(d.active_awards, 0) AS active_awards, coalesce(d.open_awards, 0) AS open_awards,
  coalesce(d.with_status, 0) AS awards_with_status, d.first_award,
  CASE WHEN d.active_awards = 1 AND d.open_awards = 0 AND d.most_suppliers = 1 THEN d.supplier_id END AS winner,
  p.tender_status IS DISTINCT FROM 'cancelled' AND x.excluded IS NOT TRUE AS judged,
  x.price_comparison IS NOT FALSE AS by_price, r.emergency,
  CAST(coalesce(
    p.year, year(p.tender_period_start), year(p.tender_period_end), year(p.award_period_start),
    year(p.tender_contract_period_start), d.award_year, year(s.first_signed)
  ) AS INTEGER) AS year
FROM processes AS p
LEFT JOIN planning AS g USING (member_code, ocid)
LEFT JOIN bids_of AS b USING (member_code, ocid)
LEFT JOIN decided AS d USING (member_code, ocid)
LEFT JOIN signed AS s USING (member_code, ocid)
LEFT JOIN reasons AS r
  ON r.details = coalesce(p.procurement_method_details, '') AND r.rationale = coalesce(p.procurement_method_rationale, '')
LEFT JOIN method_crosswalk AS x
  ON x.member_code = p.member_code AND x.procurement_method_details = p.procurement_method_details;

CREATE OR REPLACE TEMP TABLE award AS
SELECT a.member_code, a.ocid, a.award_id, coalesce(a.year, CAST(year(a.date) AS INTEGER), p.year) AS year,
  a.status, a.date, a.contract_period_start, a.amount, a.currency, a.suppliers, a.supplier_id,
  p.buyer_id, p.method, p.details, p.rationale, p.category, p.bidders, p.starts AS tender_starts, p.ends AS tender_ends,
  p.amount AS tender_amount, p.currency AS tender_currency, p.judged
FROM award_alone AS a LEFT JOIN process AS p USING (member_code, ocid);
DROP TABLE award_alone;

-- One row per award and supplier; an award that names nobody has one row without a supplier. An award to several is
-- divided equally: nothing says who got how much, and its amount must not be counted twice.
CREATE OR REPLACE TEMP TABLE supplied AS
SELECT a.member_code, a.ocid, a.award_id, a.year, a.status, a.date, a.currency, a.buyer_id, a.method, a.details,
  a.rationale, a.category, a.bidders, a.judged, a.suppliers, s.party_id AS supplier_id, o.scale, o.women_owned, o.region,
  o.country_code, a.amount AS award_amount, CASE WHEN a.suppliers > 1 THEN CAST(a.amount / a.suppliers AS DECIMAL(38,6)) ELSE a.amount END AS amount
FROM award AS a
LEFT JOIN award_suppliers AS s USING (member_code, ocid, award_id)
LEFT JOIN parties AS o ON o.member_code = s.member_code AND o.ocid = s.ocid AND o.party_id = s.party_id;

CREATE OR REPLACE TEMP TABLE contract AS
WITH amended AS (
  SELECT member_code, ocid, parent_id AS contract_id, count(*) AS amendments
  FROM amendments WHERE stage = 'contract' GROUP BY ALL
), paid AS (
  SELECT member_code, ocid, contract_id, count(*) AS transactions,
    sum(value_amount) AS paid, max(value_currency) AS other_currency, min(value_currency) AS paid_currency
  FROM transactions GROUP BY ALL
)
SELECT c.member_code, c.ocid, c.contract_id, c.award_id, c.status, c.date_signed, c.period_start, c.period_end,
  c.value_amount AS amount, c.value_currency AS currency,
  coalesce(c.year, CAST(year(coalesce(c.date_signed, c.period_start)) AS INTEGER), p.year) AS year,
  p.buyer_id, p.method, p.details, p.rationale, p.category, p.emergency, p.judged, p.amount AS tender_amount,
  p.currency AS tender_currency, p.budget_amount, p.budget_currency,
  a.date AS award_date, a.amount AS award_amount, a.currency AS award_currency, a.status AS award_status,
  coalesce(m.amendments, 0) AS amendments, coalesce(t.transactions, 0) AS transactions, t.paid,
  CASE WHEN t.paid_currency = t.other_currency THEN t.paid_currency END AS paid_currency
FROM contracts AS c
LEFT JOIN process AS p USING (member_code, ocid)
LEFT JOIN award AS a USING (member_code, ocid, award_id)
LEFT JOIN amended AS m USING (member_code, ocid, contract_id)
LEFT JOIN paid AS t USING (member_code, ocid, contract_id);

-- The kinds of things bought: the first two signs of the code, the level at which UNSPSC and CPV tell markets apart.
CREATE OR REPLACE TEMP TABLE item_class AS
SELECT DISTINCT member_code, ocid, stage, coalesce(parent_id, '') AS parent_id,
  coalesce(classification_scheme, '') || ':' || left(classification_id, 2) AS class
FROM items WHERE classification_id IS NOT NULL;

-- The class of an award whose items are all of one class.
CREATE OR REPLACE TEMP TABLE award_class AS
SELECT member_code, ocid, parent_id AS award_id, CASE WHEN count(DISTINCT class) = 1 THEN min(class) END AS class
FROM item_class WHERE stage = 'award' GROUP BY ALL;

-- One row per bid that was handed in or invited. `place`: its order in the data.
CREATE OR REPLACE TEMP TABLE bid AS
WITH named AS (
  SELECT member_code, ocid, bid_id, count(DISTINCT party_id) AS tenderers, min(party_id) AS tenderer_id,
    string_agg(DISTINCT party_id, '|' ORDER BY party_id) AS tenderer_ids
  FROM bid_tenderers GROUP BY ALL
)
SELECT b.member_code, b.ocid, b.bid_id, b.place, b.status, b.date, b.value_amount AS amount, b.value_currency AS currency,
  coalesce(n.tenderers, 0) AS tenderers, CASE WHEN n.tenderers = 1 THEN n.tenderer_id END AS tenderer_id, n.tenderer_ids,
  b.status NOT IN ('invited', 'withdrawn') AS submitted,
  p.year, p.buyer_id, p.own_buyer_id, p.entity_id, p.judged, p.by_price, p.winner, p.active_awards, p.open_awards, p.awards,
  p.ends AS tender_ends
FROM bids AS b
LEFT JOIN named AS n USING (member_code, ocid, bid_id)
LEFT JOIN process AS p USING (member_code, ocid);

-- How much dearer the next bid was than the one that won: (next - winning) / winning, among valid bids of one bidder each.
-- Without a price that won, or where a cheaper bid lost (price was not all that counted), there is none (Cardinal, R024 and R058).
CREATE OR REPLACE TEMP TABLE price_gap AS
WITH valid AS (
  SELECT * FROM bid
  WHERE judged AND by_price AND status = 'valid' AND tenderer_id IS NOT NULL AND amount IS NOT NULL
    AND currency IS NOT NULL AND winner IS NOT NULL
)
SELECT member_code, ocid, year, buyer_id, currency, winner,
  min(amount) FILTER (tenderer_id = winner) AS winning,
  min(amount) FILTER (tenderer_id <> winner) AS next,
  arg_min(tenderer_id, (amount, place)) FILTER (tenderer_id <> winner) AS runner_up,
  CAST((next - winning) / winning AS DOUBLE) AS gap
FROM valid
GROUP BY ALL
HAVING winning > 0 AND next >= winning;

-- Every party that bid in a process, and whether it is a supplier of an active award there.
CREATE OR REPLACE TEMP TABLE participation AS
WITH winners AS (
  SELECT DISTINCT member_code, ocid, supplier_id AS party_id FROM supplied WHERE status = 'active' AND supplier_id IS NOT NULL
)
SELECT b.member_code, b.ocid, b.party_id, p.year, p.buyer_id, w.party_id IS NOT NULL AS won, p.active_awards > 0 AS decided
FROM bidder AS b
JOIN process AS p USING (member_code, ocid)
LEFT JOIN winners AS w USING (member_code, ocid, party_id);

-- Whether a member publishes documents, milestones, amendments, payments at all: "none" is a fact only where it does.
CREATE OR REPLACE TEMP TABLE publishes AS
SELECT member_code, table_name, stage FROM (
  SELECT member_code, 'documents' AS table_name, stage FROM documents
  UNION ALL SELECT member_code, 'milestones', stage FROM milestones
  UNION ALL SELECT member_code, 'amendments', stage FROM amendments
  UNION ALL SELECT member_code, 'transactions', 'implementation' FROM transactions
  UNION ALL SELECT member_code, 'contracts', 'contract' FROM contracts
  UNION ALL SELECT member_code, 'awards', 'award' FROM awards
  UNION ALL SELECT member_code, 'items', stage FROM items
)
GROUP BY ALL;

-- The amount from which the law of the member asked for an open procedure when the call opened, in the currency of the tender.
CREATE OR REPLACE TEMP TABLE process_limit AS
SELECT p.member_code, p.ocid, min(t.amount) AS amount
FROM process AS p
JOIN thresholds AS t
  ON t.member_code = p.member_code AND t.purpose = 'open-procedure' AND t.currency = p.currency
  AND (t.category IS NULL OR t.category = p.category)
  AND CAST(p.starts AS DATE) >= coalesce(t.valid_from, DATE '0001-01-01')
  AND CAST(p.starts AS DATE) <= coalesce(t.valid_to, DATE '9999-12-31')
GROUP BY ALL;
