-- Takes one item of a key's rate and claims a payment, in one step.
-- KEYS: the claim, the key's arrival time (microseconds)
-- ARGV: hash of the body (16 bytes), how long a claim is kept (ms), step and burst of the rate (microseconds)
-- Answers {"limited", microseconds to wait} | {"new"} | {"open"} | {"other"} | {"answered", the answer}
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local arrival = tonumber(redis.call('GET', KEYS[2]) or '0')
if arrival - now > tonumber(ARGV[4]) then
  return {'limited', string.format('%.0f', arrival - now - ARGV[4])}
end
local ahead = math.max(arrival, now) + ARGV[3]
redis.call('SET', KEYS[2], string.format('%.0f', ahead), 'PX', string.format('%.0f', (ahead - now) / 1000 + 60000))
local held = redis.call('GET', KEYS[1])
if not held then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
  return {'new'}
end
if string.sub(held, 1, 16) ~= ARGV[1] then
  return {'other'}
end
if #held == 16 then
  return {'open'}
end
return {'answered', string.sub(held, 17)}
