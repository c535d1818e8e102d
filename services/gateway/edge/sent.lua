-- Takes records out of the outbox, unless another stands there by now.
-- KEYS: the outbox
-- ARGV: pairs of a payment's id and its record
for i = 1, #ARGV, 2 do
  if redis.call('HGET', KEYS[1], ARGV[i]) == ARGV[i + 1] then
    redis.call('HDEL', KEYS[1], ARGV[i])
  end
end
return 0
