-- What was paid exceeds the amount of the contract, in its currency.
SELECT member_code, year, buyer_id, 'contract' AS scope, contract_id AS scope_id, ocid,
  CASE WHEN amount IS NOT NULL AND paid_currency = currency THEN paid > amount END AS flagged, paid AS value, amount AS threshold, currency,
  {'paid': paid, 'contract': amount, 'payments': transactions} AS inputs, true AS counted
FROM contract WHERE judged AND transactions > 0
