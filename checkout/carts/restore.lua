-- Put a cart into the gate, unless there is one of at least this version: a new cart, or one kept in Postgres.
--
-- KEYS 1 epoch · 2 cart
-- ARGV 1 epoch · 2 ttl s · 3 version · then field, value …
-- Returns {1, field, value …} of the cart that is there now, or {-1} under another epoch. O(fields).
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {-1} end
local version = redis.call('HGET', KEYS[2], 'v')
if not version or tonumber(version) < tonumber(ARGV[3]) then
  redis.call('DEL', KEYS[2])
  redis.call('HSET', KEYS[2], unpack(ARGV, 4))
  redis.call('EXPIRE', KEYS[2], ARGV[2])
end
local fields = redis.call('HGETALL', KEYS[2])
table.insert(fields, 1, 1)
return fields
