-- Admit a claim: all lines or none, counted against the caller's rate limit in the same call.
-- A hold of the same shopper is turned into the claim: its units count as available to it. A claim that turns in its own
-- name is a hold renewed or changed.
--
-- KEYS 1 epoch · 2 stock (hash item → units) · 3 open (set of open claims) · 4 holds (sorted set claim → expiry, ms)
--      5 claim:<claim> (its record; outlives the claim, as the memory of a settled one) · 6 claim:<hold> · 7 rate-limit key
-- ARGV 1 epoch · 2 claim · 3 hold to turn in, or '' · 4 hold ttl ms (0: a checkout's claim) · 5 memory s
--      6 emission interval µs (0: not limited) · 7 burst · then item, units, item, units …
-- Returns {verdict, remaining, reset ms, retry ms, available…}; verdict as in checkout/stock/gate.py. O(lines).
-- Needs the fragment ratelimit/gcra.lua before it.
local call = redis.call
local remaining, reset_ms, retry_ms = -1, 0, 0
local time = call('TIME')
local now_ms = time[1] * 1000 + time[2] / 1000
local emission = tonumber(ARGV[6])
if emission > 0 then
  local allowed
  allowed, remaining, reset_ms, retry_ms = gcra(KEYS[7], now_ms, emission, tonumber(ARGV[7]), 1)
  if allowed == 0 then return {-2, remaining, reset_ms, retry_ms} end
end
if call('GET', KEYS[1]) ~= ARGV[1] then return {-1, remaining, reset_ms, retry_ms} end

local claim, items, record, n = ARGV[2], {}, {}, 0
for i = 8, #ARGV, 2 do
  n = n + 1
  items[n] = ARGV[i]
  record[n] = ARGV[i] .. ':' .. ARGV[i + 1]
end
local units = call('HMGET', KEYS[2], unpack(items))
local held
if ARGV[3] ~= '' and call('SISMEMBER', KEYS[3], ARGV[3]) == 1 then
  held = {}
  for item, quantity in string.gmatch(call('GET', KEYS[6]) or '', '(%d+):(%d+)') do held[item] = tonumber(quantity) end
end
local renewed = held and ARGV[3] == claim
local after, short = {}, false
for i = 1, n do
  local available = (tonumber(units[i]) or 0) + (held and held[items[i]] or 0)
  local left = available - tonumber(ARGV[6 + 2 * i + 1])
  if left < 0 then short = true end
  units[i] = available
  after[2 * i - 1] = items[i]
  after[2 * i] = left
end
local ttl = tonumber(ARGV[4])
local new
if short then
  new = renewed or call('EXISTS', KEYS[5]) == 0
else
  record = string.format('%s %.0f %s', ttl > 0 and 'h' or 'c', math.floor(now_ms), table.concat(record, ','))
  if renewed then call('DEL', KEYS[5]) end
  new = call('SET', KEYS[5], record, 'NX', 'EX', ARGV[5])
end
if not new then return {call('SISMEMBER', KEYS[3], claim) == 1 and 2 or 3, remaining, reset_ms, retry_ms} end
if short then
  local refused = {0, remaining, reset_ms, retry_ms}
  for i = 1, n do refused[4 + i] = units[i] end
  return refused
end
call('HSET', KEYS[2], unpack(after))
call('SADD', KEYS[3], claim)
if held then
  for i = 1, n do held[items[i]] = nil end
  for item, quantity in pairs(held) do call('HINCRBY', KEYS[2], item, quantity) end
  if not renewed then
    call('SREM', KEYS[3], ARGV[3])
    call('ZREM', KEYS[4], ARGV[3])
    call('DEL', KEYS[6])
  end
end
if ttl > 0 then call('ZADD', KEYS[4], math.floor(now_ms) + ttl, claim) end
return {1, remaining, reset_ms, retry_ms}
