-- Appends one micro-batch to its logs and returns what the caller had not seen.
-- KEYS: 1 epoch, 2 freeze mark, 3.. logs
-- ARGV: 1 epoch number, 2 bytes of a record, 3 known (u64 per log) then counts (u32 per log), 4 rows
-- Returns: starts (u64 per log), the unseen bytes of all logs in key order, and where a log was trimmed beyond
-- known the bases of all logs, zeros where that does not matter.
-- A trimmed log begins with its base, which is shorter than a record: the length tells.
-- Nothing is written before every check has passed: a script cannot be rolled back.
local call, sub, rep = redis.call, string.sub, string.rep
local CHUNK = 200 -- values per unpack; Lua's C stack holds some thousands
local BASE = 32

local epoch = call('GET', KEYS[1])
if not epoch then return redis.error_reply('STATELOST 0') end
local number = string.match(epoch, '^%d+')
if number ~= ARGV[1] then return redis.error_reply('EPOCHCHANGED ' .. number .. ' 0') end
if call('EXISTS', KEYS[2]) == 1 then return redis.error_reply('EPOCHCHANGED ' .. number .. ' 1') end

local size, head, rows = tonumber(ARGV[2]), ARGV[3], ARGV[4]
local logs = #KEYS - 2
local from, bytes, lengths, bases = {}, {}, {}, {}
for first = 0, logs - 1, CHUNK do
  local many = math.min(CHUNK, logs - first)
  local known = { struct.unpack('<' .. rep('I8', many), head, first * 8 + 1) }
  local counts = { struct.unpack('<' .. rep('I4', many), head, logs * 8 + first * 4 + 1) }
  for i = 1, many do
    local log = first + i
    from[log], bytes[log] = known[i], counts[i] * size
    if known[i] > 0 or counts[i] == 0 then
      local length, records = call('STRLEN', KEYS[log + 2]), 0
      if length % size ~= 0 then
        bases[log] = call('GETRANGE', KEYS[log + 2], 0, BASE - 1)
        records = struct.unpack('<I8', bases[log])
      end
      records = records + math.floor(length / size)
      if records < known[i] then return redis.error_reply('STATELOST ' .. log) end
      lengths[log] = length
    end
  end
end

local at, starts, unseen, cut = 1, {}, {}, false
for log = 1, logs do
  local length, base, skip = lengths[log], 0, 0
  if bytes[log] > 0 then
    local total = call('APPEND', KEYS[log + 2], sub(rows, at, at + bytes[log] - 1))
    length = total - bytes[log]
    at = at + bytes[log]
    if not lengths[log] and length % size ~= 0 then
      bases[log] = call('GETRANGE', KEYS[log + 2], 0, BASE - 1)
    end
  end
  if bases[log] then
    base, skip = struct.unpack('<I8', bases[log]), BASE
    if from[log] < base then
      from[log], cut = base, true
    else
      bases[log] = nil
    end
  end
  starts[log] = base + (length - skip) / size
  if starts[log] > from[log] then
    unseen[#unseen + 1] = call('GETRANGE', KEYS[log + 2], skip + (from[log] - base) * size, length - 1)
  end
end

local packed = {}
for first = 1, logs, CHUNK do
  local many = math.min(CHUNK, logs - first + 1)
  packed[#packed + 1] = struct.pack('<' .. rep('I8', many), unpack(starts, first, first + many - 1))
end
if not cut then return { table.concat(packed), table.concat(unseen) } end
local none = rep('\0', BASE)
for log = 1, logs do bases[log] = bases[log] or none end
return { table.concat(packed), table.concat(unseen), table.concat(bases) }
