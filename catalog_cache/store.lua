-- Stores one shared document, unless what it was loaded from has changed since.
-- KEYS: 1 document, 2 lease, 3 clock, 4 flushed
-- ARGV: 1 prefix of tag keys, 2 clock at the time the load began, 3 time to live in ms, 4 bytes, 5.. tags
-- Returns: 1 stored, 0 overtaken by an invalidation (or the clock was lost)
-- Complexity: O(tags)
redis.call('DEL', KEYS[2])
local began = tonumber(ARGV[2])
if tonumber(redis.call('GET', KEYS[3]) or '0') < began or tonumber(redis.call('GET', KEYS[4]) or '0') > began then
  return 0
end
local tags = {}
for i = 5, #ARGV do
  if tonumber(redis.call('GET', ARGV[1] .. ARGV[i]) or '0') > began then
    return 0
  end
  tags[#tags + 1] = ARGV[i]
end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'g', began, 't', table.concat(tags, '\n'), 'd', ARGV[4])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
