-- Settle claims that Postgres holds now: their records go, their units stay taken, their names are remembered.
--
-- KEYS 1 epoch · 2 claims · 3… done:<claim>, one a claim
-- ARGV 1 epoch of the admission · 2 memory s · 3… claim, one a claim
-- Returns 1, or -1 when the epoch is another one (nothing is done). O(claims).
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end
for i = 3, #ARGV do
  redis.call('HDEL', KEYS[2], ARGV[i])
  redis.call('SET', KEYS[i], '', 'EX', ARGV[2])
end
return 1
