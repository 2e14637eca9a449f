-- What every script shares: a key that no other thread, process or run has, and the count of answers by status.
-- wrk gives each thread a Lua state of its own; `setup` numbers them, `done` adds their counts up.
local thread_number = 0
local threads = {}

function setup(thread)
  thread:set("number", thread_number)
  thread_number = thread_number + 1
  threads[#threads + 1] = thread
end

function prepare(args)
  run_id = args[1] or "run"
  math.randomseed(tonumber(args[2] or "1") + number * 7919)
  sent = 0
  answered, created, refused, limited, failed = 0, 0, 0, 0, 0
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

function response(status)
  answered = answered + 1
  if status == 201 or status == 200 then created = created + 1
  elseif status == 409 then refused = refused + 1
  elseif status == 429 then limited = limited + 1
  else failed = failed + 1 end
end

-- One line of JSON after wrk's own words. Units: microseconds.
function done(summary, latency)
  local totals = {answered = 0, created = 0, refused = 0, limited = 0, failed = 0}
  for _, thread in ipairs(threads) do
    for name, sum in pairs(totals) do totals[name] = sum + (thread:get(name) or 0) end
  end
  io.write(string.format(
    '\nJSON {"duration_us":%d,"requests":%d,"p50_us":%d,"p90_us":%d,"p99_us":%d,"max_us":%d,"connect":%d,"read":%d,"write":%d,"timeout":%d,' ..
    '"answered":%d,"ok":%d,"refused":%d,"limited":%d,"failed":%d}\n',
    summary.duration, summary.requests, latency:percentile(50), latency:percentile(90), latency:percentile(99), latency.max,
    summary.errors.connect, summary.errors.read, summary.errors.write, summary.errors.timeout,
    totals.answered, totals.created, totals.refused, totals.limited, totals.failed))
end
