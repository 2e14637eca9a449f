-- Put a cart into the gate, unless there is one of at least this version: a new cart, whose request is counted in the same
-- call, or one kept in Postgres.
--
-- KEYS 1 epoch · 2 cart · 3 rate-limit key
-- ARGV 1 epoch · 2 emission interval µs (0: not counted) · 3 burst · 4 ttl s · 5 version · then field, value …
-- Returns {verdict, remaining, reset ms, retry ms, {field, value …}}: 1 and the cart that is there now, -1 under another
-- epoch, -2 over the limit: nothing is done. O(fields). Needs the fragment ratelimit/gcra.lua before it.
local remaining, reset_ms, retry_ms = -1, 0, 0
local emission = tonumber(ARGV[2])
if emission > 0 then
  local time, allowed = redis.call('TIME')
  allowed, remaining, reset_ms, retry_ms =
    gcra(KEYS[3], time[1] * 1000 + time[2] / 1000, emission, tonumber(ARGV[3]), 1)
  if allowed == 0 then return {-2, remaining, reset_ms, retry_ms, {}} end
end
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {-1, remaining, reset_ms, retry_ms, {}} end
local version = redis.call('HGET', KEYS[2], 'v')
if not version or tonumber(version) < tonumber(ARGV[5]) then
  redis.call('DEL', KEYS[2])
  redis.call('HSET', KEYS[2], unpack(ARGV, 6))
  redis.call('EXPIRE', KEYS[2], ARGV[4])
end
return {1, remaining, reset_ms, retry_ms, redis.call('HGETALL', KEYS[2])}
