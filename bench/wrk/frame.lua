-- What every script shares: a key that no other thread, process or run has, and the run's figures as one line of JSON.
-- wrk gives each thread a Lua state of its own; `setup` numbers them. There is no `response` here on purpose: with one, wrk
-- builds a table of headers for every answer, and would take the server's core.
local thread_number = 0

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

function read_lines(path)
  local lines = {}
  for line in io.lines(path) do lines[#lines + 1] = line end
  return lines
end

-- One line of JSON after wrk's own words. Units: microseconds. `status` counts answers that are neither 2xx nor 3xx.
function done(summary, latency)
  io.write(string.format(
    '\nJSON {"duration_us":%d,"requests":%d,"p50_us":%d,"p90_us":%d,"p99_us":%d,"max_us":%d,' ..
    '"connect":%d,"read":%d,"write":%d,"timeout":%d,"status":%d}\n',
    summary.duration, summary.requests, latency:percentile(50), latency:percentile(90), latency:percentile(99), latency.max,
    summary.errors.connect, summary.errors.read, summary.errors.write, summary.errors.timeout, summary.errors.status))
end
