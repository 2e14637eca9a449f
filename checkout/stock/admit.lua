-- Admit claims, one after the other: of each all lines or none, counted against its caller's rate limit in the same call.
-- A hold of the same shopper is turned into the claim: its units count as available to it. A claim that turns in its own
-- name is a hold renewed or changed.
--
-- KEYS 1 epoch · 2 stock (hash item → units) · 3 open (set of open claims) · 4 holds (sorted set claim → expiry, ms)
--      then of each claim: claim:<claim> (its record; outlives the claim, as the memory of a settled one) · claim:<hold> ·
--      rate-limit key
-- ARGV 1 epoch · 2 memory s · then of each claim: claim · hold to turn in, or '' · hold ttl ms (0: a checkout's claim) ·
--      emission interval µs (0: not limited) · burst · lines · item, units, item, units …
-- Returns for each claim {verdict, remaining, reset ms, retry ms, available…}; verdict as in checkout/stock/gate.py.
-- O(lines). Needs the fragment ratelimit/gcra.lua before it.
local call = redis.call
local time = call('TIME')
local now_ms = time[1] * 1000 + time[2] / 1000
local current = call('GET', KEYS[1]) == ARGV[1]

-- Each claim as {its arguments' first, their last, its keys' first}. All counters are read here and written at the end.
local claims, items, units, at, key = {}, {}, {}, 3, 5
while at <= #ARGV do
  local last = at + 5 + 2 * ARGV[at + 5]
  claims[#claims + 1] = {at, last, key}
  for i = at + 6, last, 2 do
    if not units[ARGV[i]] then items[#items + 1] = ARGV[i] end
    units[ARGV[i]] = 0
  end
  at, key = last + 1, key + 3
end
if current and #items > 0 then
  for i, found in ipairs(call('HMGET', KEYS[2], unpack(items))) do units[items[i]] = tonumber(found) or 0 end
end
local changed, opened = {}, {}
local function is_open(claim) return opened[claim] or call('SISMEMBER', KEYS[3], claim) == 1 end
local function add(item, quantity)
  if not units[item] then return call('HINCRBY', KEYS[2], item, quantity) end
  units[item], changed[item] = units[item] + quantity, true
end

local function admit(at, last, key)
  local remaining, reset_ms, retry_ms = -1, 0, 0
  local emission = tonumber(ARGV[at + 3])
  if emission > 0 then
    local allowed
    allowed, remaining, reset_ms, retry_ms = gcra(KEYS[key + 2], now_ms, emission, tonumber(ARGV[at + 4]), 1)
    if allowed == 0 then return {-2, remaining, reset_ms, retry_ms} end
  end
  if not current then return {-1, remaining, reset_ms, retry_ms} end

  local claim, hold, ttl = ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 2])
  local held
  if hold ~= '' and is_open(hold) then
    held = {}
    for item, quantity in string.gmatch(call('GET', KEYS[key + 1]) or '', '(%d+):(%d+)') do held[item] = tonumber(quantity) end
  end
  local renewed = held and hold == claim
  local answer, record, short = {1, remaining, reset_ms, retry_ms}, {}, false
  for i = at + 6, last, 2 do
    local available = units[ARGV[i]] + (held and held[ARGV[i]] or 0)
    short = short or available < tonumber(ARGV[i + 1])
    answer[#answer + 1] = available
    record[#record + 1] = ARGV[i] .. ':' .. ARGV[i + 1]
  end
  local new
  if short then
    new = renewed or call('EXISTS', KEYS[key]) == 0
  else
    record = string.format('%s %.0f %s', ttl > 0 and 'h' or 'c', math.floor(now_ms), table.concat(record, ','))
    if renewed then call('DEL', KEYS[key]) end
    new = call('SET', KEYS[key], record, 'NX', 'EX', ARGV[2])
  end
  if not new then return {is_open(claim) and 2 or 3, remaining, reset_ms, retry_ms} end
  if short then
    answer[1] = 0
    return answer
  end
  for i = at + 6, last, 2 do add(ARGV[i], -ARGV[i + 1]) end
  opened[claim] = true
  if held then
    for item, quantity in pairs(held) do add(item, quantity) end
    if not renewed then
      opened[hold] = nil
      call('SREM', KEYS[3], hold)
      call('ZREM', KEYS[4], hold)
      call('DEL', KEYS[key + 1])
    end
  end
  if ttl > 0 then call('ZADD', KEYS[4], math.floor(now_ms) + ttl, claim) end
  return {1, remaining, reset_ms, retry_ms}
end

local answers = {}
for i, claim in ipairs(claims) do answers[i] = admit(unpack(claim)) end
local after, names = {}, {}
for item in pairs(changed) do
  after[#after + 1] = item
  after[#after + 1] = units[item]
end
for claim in pairs(opened) do names[#names + 1] = claim end
if #after > 0 then call('HSET', KEYS[2], unpack(after)) end
if #names > 0 then call('SADD', KEYS[3], unpack(names)) end
return answers
