-- New carts of so many lines, uniform. Arguments: run id, seed, file of SKUs, lines a cart.
local headers = {["Content-Type"] = "application/json"}

function init(args)
  prepare(args)
  skus = read_lines(args[3])
  lines = math.min(tonumber(args[4] or "2"), #skus)
end

function request()
  local parts = {}
  local first = math.random(#skus)
  for i = 1, lines do
    parts[i] = string.format('{"sku":"%s","quantity":1}', skus[(first + i - 2) % #skus + 1])
  end
  return wrk.format("POST", "/v1/carts", headers, '{"currency":"EUR","country":"DE","lines":[' .. table.concat(parts, ",") .. ']}')
end
