-- Makes every shared document with one of these tags invalid, stored or still being loaded.
-- KEYS: 1 clock, 2 flushed
-- ARGV: 1 prefix of tag keys, 2 time in s that a tag is remembered (longer than any document lives), 3.. tags, none: all
-- Returns: the new clock. Complexity: O(tags)
local clock = redis.call('INCR', KEYS[1])
if #ARGV < 3 then
  redis.call('SET', KEYS[2], clock)
end
for i = 3, #ARGV do
  redis.call('SET', ARGV[1] .. ARGV[i], clock, 'EX', ARGV[2])
end
return clock
