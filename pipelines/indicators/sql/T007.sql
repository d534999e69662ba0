-- Processes that give a reason or the name of their procedure: those in which it speaks of an emergency, in es, en, pt or fr.
SELECT member_code, year, buyer_id, CAST(emergency AS INTEGER) AS numerator FROM process
