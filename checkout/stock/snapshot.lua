-- One moment of some counters and of every open claim.
--
-- KEYS 1 epoch · 2 stock · 3 claims
-- ARGV 1 epoch · 2… item
-- Returns {units…, claim, record, claim, record …}, or -1 when the epoch is another one. O(items + claims).
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end
local seen = redis.call('HMGET', KEYS[2], unpack(ARGV, 2))
for i = 1, #seen do seen[i] = seen[i] or '' end
local claims = redis.call('HGETALL', KEYS[3])
local n = #seen
for i = 1, #claims do seen[n + i] = claims[i] end
return seen
