-- Put another text in the place of a cart's address: the same address, sealed under another key. Its version stays.
--
-- KEYS 1 epoch · 2 cart (hash, fields as in checkout/carts/model.py)
-- ARGV 1 epoch · 2 the text as it was read · 3 the text to be
-- Returns 1 when it was put in, 0 when there is no such cart or text, -1 for another epoch. O(1).
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end
if redis.call('HGET', KEYS[2], 'addr') ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[2], 'addr', ARGV[3])
return 1
