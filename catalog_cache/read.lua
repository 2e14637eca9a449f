-- Reads one shared document, or decides who loads it.
-- KEYS: 1 document (hash: g generation, t tags separated by newlines, d bytes), 2 lease, 3 clock, 4 flushed
-- ARGV: 1 prefix of tag keys, 2 lease time in ms, 3 name of the asker ('' asks for no lease)
-- Returns: {clock, 1, bytes, ms left} found | {clock, 0} the asker loads | {clock, -1} someone else is loading
-- Complexity: O(tags of the document)
local clock = tonumber(redis.call('GET', KEYS[3]) or '0')
local held = redis.call('HMGET', KEYS[1], 'g', 't', 'd')
if held[1] then
  local generation = tonumber(held[1])
  local valid = generation <= clock and tonumber(redis.call('GET', KEYS[4]) or '0') <= generation
  if valid then
    for tag in string.gmatch(held[2], '[^\n]+') do
      if tonumber(redis.call('GET', ARGV[1] .. tag) or '0') > generation then
        valid = false
        break
      end
    end
  end
  if valid then
    return {clock, 1, held[3], redis.call('PTTL', KEYS[1])}
  end
end
if ARGV[3] == '' or redis.call('SET', KEYS[2], ARGV[3], 'NX', 'PX', ARGV[2]) then
  return {clock, 0}
end
return {clock, -1}
