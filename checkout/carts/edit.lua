-- Edit a cart, or read it (no ops): compare and set on its version, one call an edit, which counts the request as well.
--
-- KEYS 1 epoch · 2 cart (hash, fields as in checkout/carts/model.py) · 3 rate-limit key
-- ARGV 1 epoch · 2 emission interval µs (0: not counted) · 3 burst · 4 expected version, or '' · 5 '1': refuse while held
--      6 ttl s · 7 lines max · 8 coupons max
--      9 who asks: an account, '' nobody signed in, '*' the shop itself; another account's cart is not there for them
--      then op, field, value …: 'Q' set an ordered entry, 'S' set, 'D' drop
-- Returns {verdict, remaining, reset ms, retry ms, {field, value …}}; verdict as in checkout/carts/model.py. Over the limit
-- nothing is done. O(fields + ops). Needs the fragment ratelimit/gcra.lua before it.
local remaining, reset_ms, retry_ms = -1, 0, 0
local function answer(verdict, fields) return {verdict, remaining, reset_ms, retry_ms, fields} end
local emission = tonumber(ARGV[2])
if emission > 0 then
  local time, allowed = redis.call('TIME')
  allowed, remaining, reset_ms, retry_ms =
    gcra(KEYS[3], time[1] * 1000 + time[2] / 1000, emission, tonumber(ARGV[3]), 1)
  if allowed == 0 then return answer(-2, {}) end
end
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return answer(-1, {}) end
local flat = redis.call('HGETALL', KEYS[2])
if #flat == 0 then return answer(0, {}) end
local cart, lines, coupons = {}, 0, 0
for i = 1, #flat, 2 do
  local field = flat[i]
  cart[field] = flat[i + 1]
  local kind = string.sub(field, 1, 2)
  if kind == 'l:' then lines = lines + 1 elseif kind == 'c:' then coupons = coupons + 1 end
end
if cart.acct and cart.acct ~= ARGV[9] and ARGV[9] ~= '*' then return answer(8, {}) end
if ARGV[4] ~= '' and ARGV[4] ~= cart.v then return answer(2, flat) end
if #ARGV < 10 then return answer(1, flat) end
if cart.st then return answer(4, flat) end
if ARGV[5] == '1' and cart.hold then
  local time = redis.call('TIME')
  if tonumber(cart.hold) > time[1] * 1000 + math.floor(time[2] / 1000) then return answer(5, flat) end
end

local version = string.format('%.0f', tonumber(cart.v) + 1)
local before = {}
for i = 10, #ARGV, 3 do
  local op, field, value = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local old = cart[field]
  if before[field] == nil then before[field] = old or false end
  local kind, step = string.sub(field, 1, 2), 0
  if op == 'D' then
    cart[field] = nil
    if old then step = -1 end
  else
    if op == 'Q' then
      local seq = old and string.match(old, ' (.+)$') or version
      value = value .. ' ' .. seq
    end
    cart[field] = value
    if not old then step = 1 end
  end
  if kind == 'l:' then lines = lines + step elseif kind == 'c:' then coupons = coupons + step end
end
local set, drop = {}, {}
for field, old in pairs(before) do
  local new = cart[field]
  if new == nil then
    if old then drop[#drop + 1] = field end
  elseif new ~= old then
    set[#set + 1] = field
    set[#set + 1] = new
  end
end
if #set == 0 and #drop == 0 then return answer(1, flat) end
if lines > tonumber(ARGV[7]) then return answer(3, flat) end
if coupons > tonumber(ARGV[8]) then return answer(6, flat) end
set[#set + 1] = 'v'
set[#set + 1] = version
redis.call('HSET', KEYS[2], unpack(set))
if #drop > 0 then redis.call('HDEL', KEYS[2], unpack(drop)) end
redis.call('EXPIRE', KEYS[2], ARGV[6])
return answer(1, redis.call('HGETALL', KEYS[2]))
