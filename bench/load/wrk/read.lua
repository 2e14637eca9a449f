-- Reads, uniform. Arguments: run id, seed, file of paths, each with a tab and an ETag behind it where it is revalidated.
local tags = {}
local requests = {}

function init(args)
  prepare(args)
  paths = read_lines(args[3])
  for i, line in ipairs(paths) do
    local path, tag = line:match("^(.-)\t(.+)$")
    if tag then
      paths[i] = path
      tags[i] = {["If-None-Match"] = tag}
    end
  end
end

function request()
  local at = math.random(#paths)
  local ready = requests[at]
  if not ready then
    ready = wrk.format("GET", paths[at], tags[at])
    requests[at] = ready
  end
  return ready
end
