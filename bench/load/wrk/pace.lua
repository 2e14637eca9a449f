-- Put behind a script: its requests are due at even distances, whatever becomes of those before, and go as soon as a connection
-- is free. Needs `interval_ms`, of each thread, before it. wrk's own clock has no name in Lua, and os.clock is processor time.
local ffi = require("ffi")
ffi.cdef [[
  struct checkout_time { long s; long ns; };
  int clock_gettime(int clock, struct checkout_time *found);
]]
local MONOTONIC, found, due_ms = 1, ffi.new("struct checkout_time"), nil

function delay()
  ffi.C.clock_gettime(MONOTONIC, found)
  local now_ms = tonumber(found.s) * 1000 + tonumber(found.ns) / 1e6
  due_ms = (due_ms or now_ms) + interval_ms
  return math.max(0, math.floor(due_ms - now_ms))
end
