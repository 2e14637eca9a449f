-- The floor: the same body as an express checkout, to an application that only decodes and encodes. Arguments: run id, seed, file, 'POST' or 'GET'.
local body = '{"lines":[{"sku":"%s","quantity":1},{"sku":"B","quantity":1}],"currency":"EUR","email":"a@example.com",' ..
  '"shipping_address":{"name":"Ada Lovelace","line1":"Unter den Linden 1","city":"Berlin","postal_code":"10117","country":"DE"},' ..
  '"shipping_option":"standard","payment":{"provider":"stripe","method":"pm_card_visa"}}'
local ready

function init(args)
  prepare(args)
  if args[4] == "GET" then ready = wrk.format("GET", "/bare") end
end

function request()
  if ready then return ready end
  local key = next_key()
  return post("/bare", key, string.format(body, key))
end
