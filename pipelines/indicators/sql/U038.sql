-- Processes with an active award in which a party bid: those it won.
SELECT member_code, year, party_id AS supplier_id, CAST(won AS INTEGER) AS numerator FROM participation WHERE decided
