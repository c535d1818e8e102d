-- Sets the answer to a payment if none is set, and puts its record into the outbox.
-- KEYS: the claim, the outbox (a hash of records by tx_id)
-- ARGV: hash of the body (16 bytes), the answer, how long it is kept (ms), tx_id, the record for Kafka
-- Answers nil where it was set, 0 where the payment stands with another body, else the answer that stands.
local held = redis.call('GET', KEYS[1])
if held and string.sub(held, 1, 16) ~= ARGV[1] then
  return 0
end
if held and #held > 16 then
  return string.sub(held, 17)
end
redis.call('SET', KEYS[1], ARGV[1] .. ARGV[2], 'PX', ARGV[3])
redis.call('HSET', KEYS[2], ARGV[4], ARGV[5])
return false
