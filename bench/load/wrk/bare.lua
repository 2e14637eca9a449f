-- The floor: the same body as an express checkout, to an application that only decodes and encodes. Arguments: run id, seed, file, 'POST' or 'GET'.
local body = '{"lines":[{"sku":"%s","quantity":1},{"sku":"B","quantity":1}],"currency":"EUR","email":"a@example.com",' ..
  '"shipping_address":{"name":"Ada Lovelace","line1":"Unter den Linden 1","city":"Berlin","postal_code":"10117","country":"DE"},' ..
  '"shipping_option":"standard","payment":{"provider":"stripe","method":"pm_card_visa"}}'
local headers = {["Content-Type"] = "application/json"}

function init(args)
  prepare(args)
  method = args[4] or "POST"
end

function request()
  local key = next_key()
  if method == "GET" then return wrk.format("GET", "/bare") end
  headers["Idempotency-Key"] = key
  return wrk.format("POST", "/bare", headers, string.format(body, key))
end
