-- limit.lua: counts one request of one client under one policy. Loaded behind gcra.lua.
--
-- KEYS  1  the client's key under the policy
-- ARGV  1  emission_us, microseconds between two requests
--       2  burst, requests
--       3  cost, requests
-- Returns: {allowed, remaining, reset_ms, retry_ms}
-- Complexity: O(1).
local time = redis.call('TIME')
return { gcra(KEYS[1], time[1] * 1000 + time[2] / 1000, tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])) }
