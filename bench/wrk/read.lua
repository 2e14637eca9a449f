-- Reads of products, uniform. Arguments: run id, seed, file of paths.
function init(args)
  prepare(args)
  paths = read_lines(args[3])
end

function request()
  return wrk.format("GET", paths[math.random(#paths)])
end
