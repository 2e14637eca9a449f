-- gcra.lua: a fragment, not a script: put it before a script's own text and call gcra() there.
--
-- gcra(key, now_ms, emission_us, burst, cost)
--   key          KEYS entry that holds the client's theoretical arrival time (microseconds, text)
--   now_ms       server time in milliseconds, fractions allowed (from TIME, see limit.lua)
--   emission_us  microseconds between two requests at the allowed rate, >= 1
--   burst        requests that may come at once, >= cost
--   cost         requests that this call counts for, >= 0 (0 only looks)
-- Returns: allowed (1 or 0), remaining (requests), reset_ms (until all of it is back), retry_ms (0 when allowed)
-- Complexity: O(1), one GET and at most one SET. The key expires by itself when its client is back at zero.
-- Source: ATM Forum TM 4.0, generic cell rate algorithm, virtual scheduling. Model: ratelimit/gcra.py.
local function gcra(key, now_ms, emission_us, burst, cost)
  local now = math.floor(now_ms * 1000 + 0.5)
  local tolerance = emission_us * burst
  local tat = tonumber(redis.call('GET', key) or now) or now
  if tat < now then tat = now end
  if tat > now + tolerance then tat = now + tolerance end -- the clock went back: never punish for longer
  local next_tat = tat + emission_us * cost
  local over = next_tat - tolerance - now
  if over > 0 then
    local left = math.floor((tolerance - (tat - now)) / emission_us)
    return 0, left, math.ceil((tat - now) / 1000), math.ceil(over / 1000)
  end
  if cost > 0 then
    redis.call('SET', key, string.format('%.0f', next_tat), 'PX', math.ceil((next_tat - now) / 1000))
  end
  return 1, math.floor(-over / emission_us), math.ceil((next_tat - now) / 1000), 0
end
