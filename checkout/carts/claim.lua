-- Give a guest's cart to an account: it becomes the account's cart (both keys the same), or its lines go into that one.
--
-- KEYS 1 epoch · 2 the guest's cart · 3 the account's cart
-- ARGV 1 epoch · 2 account · 3 id of the account's cart · 4 ttl s · 5 lines max · 6 coupons max · 7 units of a line max
-- Returns {verdict, guest's fields, account's fields, report}: verdict as in checkout/carts/model.py, 0 with which cart is
-- missing (1 the guest's, 2 the account's); the report: line, units that were wanted … and coupon, '' … of what did not
-- fit, 'held', 1 guest's + 2 account's hold that ended. O(fields). Model: merge in merge.py.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {-1} end
local account, alone = ARGV[2], KEYS[2] == KEYS[3]
local function read(key)
  local flat, cart = redis.call('HGETALL', key), {}
  for i = 1, #flat, 2 do cart[flat[i]] = flat[i + 1] end
  return cart, #flat > 0
end
local function write(key, cart, before)
  cart.v = string.format('%.0f', tonumber(before.v) + 1)
  local flat = {}
  for field, value in pairs(cart) do
    flat[#flat + 1] = field
    flat[#flat + 1] = value
  end
  redis.call('DEL', key)
  redis.call('HSET', key, unpack(flat))
  redis.call('EXPIRE', key, ARGV[4])
end
local guest, known = read(KEYS[2])
if not known then return {0, 1} end
if guest.acct and guest.acct ~= account then return {8} end
if guest.st == 'merged' then return {1, redis.call('HGETALL', KEYS[2]), {}, {}} end
if guest.st then return {4} end
if alone then
  if not guest.acct then
    guest.acct = account
    write(KEYS[2], guest, guest)
  end
  local fields = redis.call('HGETALL', KEYS[2])
  return {1, fields, fields, {}}
end
local own, there = read(KEYS[3])
if not there then return {0, 2} end
if own.st or (own.acct and own.acct ~= account) then return {7} end

local version = string.format('%.0f', tonumber(own.v) + 1)
local report, lines, coupons, theirs, changed = {}, 0, 0, {}, not own.acct
for field in pairs(own) do
  local kind = string.sub(field, 1, 2)
  if kind == 'l:' then lines = lines + 1 elseif kind == 'c:' then coupons = coupons + 1 end
end
for field, value in pairs(guest) do
  local kind = string.sub(field, 1, 2)
  if kind == 'l:' then
    local units, old = tonumber(string.match(value, '^%d+')), own[field]
    local seq = version
    if old then
      units = units + tonumber(string.match(old, '^%d+'))
      seq = string.match(old, ' (.+)$')
    else
      lines = lines + 1
    end
    if units > tonumber(ARGV[7]) then
      report[#report + 1] = field
      report[#report + 1] = string.format('%.0f', units)
      units = tonumber(ARGV[7])
    end
    own[field] = string.format('%.0f', units) .. ' ' .. seq
    changed = true
  elseif kind == 'c:' and not own[field] then
    theirs[#theirs + 1] = field
  end
end
if lines > tonumber(ARGV[5]) then return {3} end
table.sort(theirs)
for _, field in ipairs(theirs) do
  if coupons < tonumber(ARGV[6]) then
    coupons = coupons + 1
    own[field] = '1 ' .. version
    changed = true
  else
    report[#report + 1] = field
    report[#report + 1] = ''
  end
end
for _, field in ipairs({'addr', 'ctry', 'ship'}) do
  if guest[field] and not own[field] then
    own[field] = guest[field]
    changed = true
  end
end
local held = (guest.hold and 1 or 0) + ((own.hold and changed) and 2 or 0)
if held > 0 then
  report[#report + 1] = 'held'
  report[#report + 1] = tostring(held)
end
if changed then
  own.acct, own.hold = account, nil
  write(KEYS[3], own, own)
end
write(KEYS[2], {cur = guest.cur, acct = account, st = 'merged', into = ARGV[3]}, guest)
return {1, redis.call('HGETALL', KEYS[2]), redis.call('HGETALL', KEYS[3]), report}
