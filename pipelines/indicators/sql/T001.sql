-- Awards in force whose supplier gives its size: those to micro, small and medium enterprises and the self-employed.
SELECT member_code, year, buyer_id, CAST(scale IN ('micro', 'sme', 'small', 'medium', 'selfEmployed') AS INTEGER) AS numerator
FROM supplied WHERE status = 'active'
