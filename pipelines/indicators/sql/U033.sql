-- Parties that won at least once: the processes they bid in / those they won. Only processes with an active award.
SELECT member_code, year, 1 AS numerator, CAST(won AS INTEGER) AS denominator
FROM participation WHERE decided
QUALIFY bool_or(won) OVER (PARTITION BY member_code, party_id)
