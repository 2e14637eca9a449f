-- Give claims back: their units become available again. An unknown claim changes nothing.
--
-- KEYS 1 epoch · 2 stock · 3 claims · 4 holds
-- ARGV 1 epoch · 2 only when the hold expired before now ('1') or always ('0') · 3… claim
-- Returns the number given back, or -1 when the epoch is another one. O(claims × lines).
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
local given = 0
for i = 3, #ARGV do
  local claim = ARGV[i]
  local record = redis.call('HGET', KEYS[3], claim)
  local due = true
  if ARGV[2] == '1' then
    local expiry = redis.call('ZSCORE', KEYS[4], claim)
    due = not expiry or tonumber(expiry) <= now_ms
  end
  if due then
    if record then
      for item, quantity in string.gmatch(record, '(%d+):(%d+)') do
        redis.call('HINCRBY', KEYS[2], item, quantity)
      end
      redis.call('HDEL', KEYS[3], claim)
      given = given + 1
    end
    redis.call('ZREM', KEYS[4], claim)
  end
end
return given
