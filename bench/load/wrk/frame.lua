-- What every script shares: a key that no other thread, process or run has, and the run's figures as one line of JSON.
-- wrk gives each thread a Lua state of its own; `setup` numbers them. There is no `response` here on purpose: with one, wrk
-- builds a table of headers for every answer, and would take the server's core.
local thread_number = 0
local opening

function setup(thread)
  thread:set("number", thread_number)
  thread_number = thread_number + 1
end

function prepare(args)
  run_id = args[1] or "run"
  math.randomseed(tonumber(args[2] or "1") + number * 7919)
  sent = 0
end

function next_key()
  sent = sent + 1
  return string.format("%s-%d-%d", run_id, number, sent)
end

-- A POST as it is sent. wrk.format would take longer than the bare server's answer: it merges tables of headers each time.
function post(path, key, body)
  if not opening then
    opening = "POST " .. path .. " HTTP/1.1\r\nHost: " .. wrk.headers["Host"] ..
      "\r\nContent-Type: application/json\r\nIdempotency-Key: "
  end
  return opening .. key .. "\r\nContent-Length: " .. #body .. "\r\n\r\n" .. body
end

function read_lines(path)
  local lines = {}
  for line in io.lines(path) do lines[#lines + 1] = line end
  return lines
end

-- One line of JSON after wrk's own words. Units: microseconds. `status` counts answers that are neither 2xx nor 3xx.
function done(summary, latency)
  local percents = {10, 25, 50, 75, 90, 95, 99, 99.5, 99.9, 99.99}
  local told = {}
  for i, percent in ipairs(percents) do
    told[i] = string.format("[%g,%d]", percent, latency:percentile(percent))
  end
  io.write(string.format(
    '\nJSON {"duration_us":%d,"requests":%d,"max_us":%d,"connect":%d,"read":%d,"write":%d,"timeout":%d,"status":%d,' ..
    '"percentiles":[[0,%d],%s,[100,%d]]}\n',
    summary.duration, summary.requests, latency.max, summary.errors.connect, summary.errors.read, summary.errors.write,
    summary.errors.timeout, summary.errors.status, latency.min, table.concat(told, ","), latency.max))
end
