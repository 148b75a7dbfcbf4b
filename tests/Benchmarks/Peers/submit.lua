-- For wrk: each request submits another thought. At the end one line: requests, microseconds, errors, p50 and p99 in microseconds.
-- PAUSE in the environment: so many milliseconds between an answer and the next request, in the mean.
local thread_count = 0
local counter = 0

function setup(thread)
  thread:set("number", thread_count)
  thread_count = thread_count + 1
end

local pause = tonumber(os.getenv("PAUSE") or "0")
if pause > 0 then -- wrk looks whether there is one
  function delay()
    return math.random(0, 2 * pause)
  end
end

function init(args)
  posting = args[1] == "post"
  started = os.time() -- each run writes to others: a recipient gets five an hour
end

function request()
  if not posting then
    return wrk.format("GET", "/health/live")
  end
  counter = counter + 1
  local body = string.format('{"email":"somebody%d.%d.%d@example.com","thought":"how many of these in a second?"}', started, number, counter)
  return wrk.format("POST", "/api/submissions", { ["Content-Type"] = "application/json" }, body)
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format("figures %d %d %d %d %d\n", summary.requests, summary.duration,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout, latency:percentile(50), latency:percentile(99)))
end
