-- Settle claims that Postgres holds now: they are no longer open, their units stay taken, their records stay as memory.
--
-- KEYS 1 epoch · 2 open
-- ARGV 1 epoch of the admission · 2… claim
-- Returns 1, or -1 when the epoch is another one (nothing is done). O(claims).
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end
redis.call('SREM', KEYS[2], unpack(ARGV, 2))
return 1
