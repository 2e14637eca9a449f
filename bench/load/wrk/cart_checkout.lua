-- Checkouts of carts, each cart once. Arguments: run id, seed, file of cart ids. One thread: the carts are taken in turn.
local body = '{"cart_id":"%s","email":"%s@example.com","shipping_address":{"name":"Ada Lovelace","line1":"Unter den Linden 1",' ..
  '"city":"Berlin","postal_code":"10117","country":"DE"},"shipping_option":"standard",' ..
  '"payment":{"provider":"stripe","method":"pm_card_visa"}}'

function init(args)
  prepare(args)
  carts = read_lines(args[3])
end

function request()
  local key = next_key()
  return post("/v1/checkouts", key, string.format(body, carts[(sent - 1) % #carts + 1], key))
end
