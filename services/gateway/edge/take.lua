-- Takes items of a key's rate.
-- KEYS: the key's arrival time (microseconds)
-- ARGV: items, step and burst of the rate (microseconds)
-- Answers microseconds to wait, 0 where the items are taken.
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local arrival = tonumber(redis.call('GET', KEYS[1]) or '0')
if arrival - now > tonumber(ARGV[3]) then
  return string.format('%.0f', arrival - now - ARGV[3])
end
local ahead = math.max(arrival, now) + ARGV[1] * ARGV[2]
redis.call('SET', KEYS[1], string.format('%.0f', ahead), 'PX', string.format('%.0f', (ahead - now) / 1000 + 60000))
return '0'
