-- A bit of everything that a client reads, errors included.
local paths = { "/notes/one", "/notes?limit=25", "/bench/fixed", "/notes/none", "/hello/x", "/none", "/notes?limit=x" }
local turn = 0
function request()
  turn = turn % #paths + 1
  return wrk.format("GET", paths[turn])
end
