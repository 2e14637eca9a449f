-- Give claims back: their units become available again. A claim that is not open changes nothing.
--
-- KEYS 1 epoch · 2 stock · 3 open · 4 holds · 5… claim:<claim>, one a claim
-- ARGV 1 epoch · 2 only when the hold expired before now ('1') or always ('0') · 3… claim
-- Returns the number given back, or -1 when the epoch is another one. O(claims × lines).
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
local given = 0
for i = 3, #ARGV do
  local claim = ARGV[i]
  local due = true
  if ARGV[2] == '1' then
    local expiry = redis.call('ZSCORE', KEYS[4], claim)
    due = not expiry or tonumber(expiry) <= now_ms
  end
  if due then
    if redis.call('SREM', KEYS[3], claim) == 1 then
      for item, quantity in string.gmatch(redis.call('GET', KEYS[i + 2]) or '', '(%d+):(%d+)') do
        redis.call('HINCRBY', KEYS[2], item, quantity)
      end
      redis.call('DEL', KEYS[i + 2])
      given = given + 1
    end
    redis.call('ZREM', KEYS[4], claim)
  end
end
return given
