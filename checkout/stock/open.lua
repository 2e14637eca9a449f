-- The last step of a rebuild: the epoch, after which the gate admits again.
--
-- KEYS 1 build · 2 epoch
-- ARGV 1 token · 2 epoch
-- Returns 1, or 0 when another rebuild has taken over. O(1).
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[2], ARGV[2])
redis.call('DEL', KEYS[1])
return 1
