-- Admit a claim: all lines or none, counted against the caller's rate limit in the same call.
-- A hold of the same shopper is turned into the claim: its units count as available to it. A claim that turns in its own
-- name is a hold renewed or changed.
--
-- KEYS 1 epoch · 2 stock (hash item → units) · 3 claims (hash claim → record) · 4 holds (sorted set claim → expiry, ms)
--      5 done:<claim> (set once the claim was settled) · 6 the caller's rate-limit key
-- ARGV 1 epoch · 2 claim · 3 hold to turn in, or '' · 4 hold ttl ms (0: a checkout's claim)
--      5 emission interval µs (0: not limited) · 6 burst · then item, units, item, units …
-- Returns {verdict, remaining, reset ms, retry ms, available…}; verdict as in checkout/stock/gate.py. O(lines).
-- Needs the fragment ratelimit/gcra.lua before it.
local remaining, reset_ms, retry_ms = -1, 0, 0
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + time[2] / 1000
local emission = tonumber(ARGV[5])
if emission > 0 then
  local allowed
  allowed, remaining, reset_ms, retry_ms = gcra(KEYS[6], now_ms, emission, tonumber(ARGV[6]), 1)
  if allowed == 0 then return {-2, remaining, reset_ms, retry_ms} end
end
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {-1, remaining, reset_ms, retry_ms} end
local claim = ARGV[2]
if redis.call('EXISTS', KEYS[5]) == 1 then return {3, remaining, reset_ms, retry_ms} end
if ARGV[3] ~= claim and redis.call('HEXISTS', KEYS[3], claim) == 1 then return {2, remaining, reset_ms, retry_ms} end

local items, record, n = {}, {}, 0
for i = 7, #ARGV, 2 do
  n = n + 1
  items[n] = ARGV[i]
  record[n] = ARGV[i] .. ':' .. ARGV[i + 1]
end
local units = redis.call('HMGET', KEYS[2], unpack(items))
local held
if ARGV[3] ~= '' then
  local hold = redis.call('HGET', KEYS[3], ARGV[3])
  if hold then
    held = {}
    for item, quantity in string.gmatch(hold, '(%d+):(%d+)') do held[item] = tonumber(quantity) end
  end
end
local after, short = {}, false
for i = 1, n do
  local available = (tonumber(units[i]) or 0) + (held and held[items[i]] or 0)
  local left = available - tonumber(ARGV[5 + 2 * i + 1])
  if left < 0 then short = true end
  units[i] = available
  after[2 * i - 1] = items[i]
  after[2 * i] = left
end
if short then
  local refused = {0, remaining, reset_ms, retry_ms}
  for i = 1, n do refused[4 + i] = units[i] end
  return refused
end
redis.call('HSET', KEYS[2], unpack(after))
if held then
  for i = 1, n do held[items[i]] = nil end
  for item, quantity in pairs(held) do redis.call('HINCRBY', KEYS[2], item, quantity) end
  redis.call('HDEL', KEYS[3], ARGV[3])
  redis.call('ZREM', KEYS[4], ARGV[3])
end
now_ms = math.floor(now_ms)
local ttl = tonumber(ARGV[4])
local kind = 'c'
if ttl > 0 then
  kind = 'h'
  redis.call('ZADD', KEYS[4], now_ms + ttl, claim)
end
redis.call('HSET', KEYS[3], claim, string.format('%s %.0f %s', kind, now_ms, table.concat(record, ',')))
return {1, remaining, reset_ms, retry_ms}
