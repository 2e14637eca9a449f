-- One chunk of a rebuild. A rebuild that was overtaken by a later one writes nothing more.
--
-- KEYS 1 build (token of the rebuild that may write) · 2 stock
-- ARGV 1 token · then item, units, item, units …
-- Returns 1, or 0 when another rebuild has taken over. O(items).
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[2], unpack(ARGV, 2))
return 1
