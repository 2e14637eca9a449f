-- Edits of lines that carts have already. Arguments: run id, seed, file of cart ids, each with a tab and a SKU behind it.
local headers = {["Content-Type"] = "application/json"}

local requests = {}

function init(args)
  prepare(args)
  paths = {}
  for i, line in ipairs(read_lines(args[3])) do
    local cart, sku = line:match("^(.-)\t(.+)$")
    paths[i] = "/v1/carts/" .. cart .. "/lines/" .. sku
  end
end

function request()
  local at, quantity = math.random(#paths), math.random(5)
  local ready = requests[5 * at + quantity]
  if not ready then
    ready = wrk.format("PUT", paths[at], headers, string.format('{"quantity":%d}', quantity))
    requests[5 * at + quantity] = ready
  end
  return ready
end
