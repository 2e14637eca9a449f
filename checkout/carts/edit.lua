-- Edit a cart, or read it (no ops): compare and set on its version, one call an edit.
--
-- KEYS 1 epoch · 2 cart (hash, fields as in checkout/carts/model.py)
-- ARGV 1 epoch · 2 expected version, or '' · 3 '1': refuse while held · 4 ttl s · 5 lines max · 6 coupons max
--      7 who asks: an account, '' nobody signed in, '*' the shop itself; another account's cart is not there for them
--      then op, field, value …: 'Q' set an ordered entry, 'S' set, 'D' drop
-- Returns {verdict, field, value …}; verdict as in checkout/carts/model.py. O(fields + ops).
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {-1} end
local flat = redis.call('HGETALL', KEYS[2])
if #flat == 0 then return {0} end
local function answer(verdict, fields)
  table.insert(fields, 1, verdict)
  return fields
end
local cart, lines, coupons = {}, 0, 0
for i = 1, #flat, 2 do
  local field = flat[i]
  cart[field] = flat[i + 1]
  local kind = string.sub(field, 1, 2)
  if kind == 'l:' then lines = lines + 1 elseif kind == 'c:' then coupons = coupons + 1 end
end
if cart.acct and cart.acct ~= ARGV[7] and ARGV[7] ~= '*' then return {8} end
if ARGV[2] ~= '' and ARGV[2] ~= cart.v then return answer(2, flat) end
if #ARGV < 8 then return answer(1, flat) end
if cart.st then return answer(4, flat) end
if ARGV[3] == '1' and cart.hold then
  local time = redis.call('TIME')
  if tonumber(cart.hold) > time[1] * 1000 + math.floor(time[2] / 1000) then return answer(5, flat) end
end

local version = string.format('%.0f', tonumber(cart.v) + 1)
local before = {}
for i = 8, #ARGV, 3 do
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
if lines > tonumber(ARGV[5]) then return answer(3, flat) end
if coupons > tonumber(ARGV[6]) then return answer(6, flat) end
set[#set + 1] = 'v'
set[#set + 1] = version
redis.call('HSET', KEYS[2], unpack(set))
if #drop > 0 then redis.call('HDEL', KEYS[2], unpack(drop)) end
redis.call('EXPIRE', KEYS[2], ARGV[4])
return answer(1, redis.call('HGETALL', KEYS[2]))
