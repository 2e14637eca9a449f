-- Repair: move counters by the drift found while Postgres held their rows still.
--
-- KEYS 1 epoch · 2 stock
-- ARGV 1 epoch · then item, drift, item, drift …
-- Returns 1, or -1 when the epoch is another one (nothing is done). O(items).
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end
for i = 2, #ARGV, 2 do redis.call('HINCRBY', KEYS[2], ARGV[i], ARGV[i + 1]) end
return 1
