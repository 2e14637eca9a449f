-- Edits of lines that carts have already. Arguments: run id, seed, file of cart ids, each with a tab and a SKU behind it.
local headers = {["Content-Type"] = "application/json"}

function init(args)
  prepare(args)
  paths = {}
  for i, line in ipairs(read_lines(args[3])) do
    local cart, sku = line:match("^(.-)\t(.+)$")
    paths[i] = "/v1/carts/" .. cart .. "/lines/" .. sku
  end
end

function request()
  local body = string.format('{"quantity":%d}', math.random(5))
  return wrk.format("PUT", paths[math.random(#paths)], headers, body)
end
