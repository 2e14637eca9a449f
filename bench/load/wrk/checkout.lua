-- Express checkouts of two lines, each with its own Idempotency-Key. Arguments: run id, seed, file of SKUs, lines an order.
local head = '{"lines":['
local tail = '],"currency":"EUR","email":"%s@example.com","shipping_address":{"name":"Ada Lovelace","line1":"Unter den Linden 1",' ..
  '"city":"Berlin","postal_code":"10117","country":"DE"},"shipping_option":"standard",' ..
  '"payment":{"provider":"stripe","method":"pm_card_visa"}}'

function init(args)
  prepare(args)
  skus = read_lines(args[3])
  lines = tonumber(args[4] or "2")
end

function request()
  local key = next_key()
  local parts = {}
  local first = math.random(#skus)
  for i = 1, math.min(lines, #skus) do
    local sku = skus[(first + i - 2) % #skus + 1]
    parts[i] = string.format('{"sku":"%s","quantity":%d}', sku, 1)
  end
  return post("/v1/checkouts", key, head .. table.concat(parts, ",") .. string.format(tail, key))
end
