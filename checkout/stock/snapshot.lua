-- One moment of some counters and of every open claim.
--
-- KEYS 1 epoch · 2 stock · 3 open · 4 prefix of the records' names, which share its slot
-- ARGV 1 epoch · 2… item
-- Returns {units…, claim, record, claim, record …}, or -1 when the epoch is another one. O(items + claims).
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end
local seen = redis.call('HMGET', KEYS[2], unpack(ARGV, 2))
for i = 1, #seen do seen[i] = seen[i] or '' end
for _, claim in ipairs(redis.call('SMEMBERS', KEYS[3])) do
  local record = redis.call('GET', KEYS[4] .. claim)
  if record then
    seen[#seen + 1] = claim
    seen[#seen + 1] = record
  end
end
return seen
