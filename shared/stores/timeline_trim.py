"""The two small scripts beside the append: cut a log's first records off, and say how long logs are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from shared.features.trimming import Base

Choose = Callable[[Base, bytes], Base]
"""From a log's base and the records behind it to the base that it is to have; the same leaves it alone."""

TRIM: Final = b"""
local value = redis.call('GET', KEYS[1])
if not value or string.match(value, '^%d+') ~= ARGV[1] or redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
local size, index = tonumber(ARGV[2]), struct.unpack('<I8', ARGV[4])
local length, base, skip = redis.call('STRLEN', KEYS[3]), 0, 0
if length % size ~= 0 then
  base, skip = struct.unpack('<I8', redis.call('GETRANGE', KEYS[3], 0, #ARGV[4] - 1)), #ARGV[4]
end
local first = skip + (index - base) * size
if base ~= tonumber(ARGV[3]) or first > length then return 0 end
redis.call('SET', KEYS[3], ARGV[4] .. redis.call('GETRANGE', KEYS[3], first, math.max(first, length) - 1))
return 1
"""
"""KEYS epoch, frozen, log; ARGV epoch number, bytes of a record, index of the base expected, new base.

0: another epoch, a frozen one, or somebody else was faster.
"""

LENGTHS: Final = b"""
local found, size = {}, tonumber(ARGV[1])
for i, key in ipairs(KEYS) do
  local length, base = redis.call('STRLEN', key), 0
  if length % size ~= 0 then base = struct.unpack('<I8', redis.call('GETRANGE', key, 0, ARGV[2] - 1)) end
  found[i] = base + math.floor(length / size)
end
return found
"""
"""KEYS logs; ARGV bytes of a record, bytes of a base. How many records each log ever had."""
