-- Appends one micro-batch to its logs and returns what the caller had not seen.
-- KEYS: 1 epoch, 2 freeze mark, 3.. logs
-- ARGV: 1 epoch number, 2 bytes of a record, 3 known (u64 per log) then counts (u32 per log), 4 rows
-- Returns: starts (u64 per log), the unseen bytes of all logs in key order.
-- Nothing is written before every check has passed: a script cannot be rolled back.
local call, sub, rep = redis.call, string.sub, string.rep
local CHUNK = 200 -- values per unpack; Lua's C stack holds some thousands

local epoch = call('GET', KEYS[1])
if not epoch then return redis.error_reply('STATELOST 0') end
local number = string.match(epoch, '^%d+')
if number ~= ARGV[1] then return redis.error_reply('EPOCHCHANGED ' .. number .. ' 0') end
if call('EXISTS', KEYS[2]) == 1 then return redis.error_reply('EPOCHCHANGED ' .. number .. ' 1') end

local size, head, rows = tonumber(ARGV[2]), ARGV[3], ARGV[4]
local logs = #KEYS - 2
local from, bytes, lengths = {}, {}, {}
for first = 0, logs - 1, CHUNK do
  local many = math.min(CHUNK, logs - first)
  local known = { struct.unpack('<' .. rep('I8', many), head, first * 8 + 1) }
  local counts = { struct.unpack('<' .. rep('I4', many), head, logs * 8 + first * 4 + 1) }
  for i = 1, many do
    local log = first + i
    from[log], bytes[log] = known[i] * size, counts[i] * size
    if known[i] > 0 or counts[i] == 0 then
      local length = call('STRLEN', KEYS[log + 2])
      if length < from[log] then return redis.error_reply('STATELOST ' .. log) end
      lengths[log] = length
    end
  end
end

local at, starts, unseen = 1, {}, {}
for log = 1, logs do
  local start = lengths[log]
  if bytes[log] > 0 then
    local total = call('APPEND', KEYS[log + 2], sub(rows, at, at + bytes[log] - 1))
    start = total - bytes[log]
    at = at + bytes[log]
  end
  starts[log] = start / size
  if start > from[log] then
    unseen[#unseen + 1] = call('GETRANGE', KEYS[log + 2], from[log], start - 1)
  end
end

local packed = {}
for first = 1, logs, CHUNK do
  local many = math.min(CHUNK, logs - first + 1)
  packed[#packed + 1] = struct.pack('<' .. rep('I8', many), unpack(starts, first, first + many - 1))
end
return { table.concat(packed), table.concat(unseen) }
