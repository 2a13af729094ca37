-- Documents /plain/d0 … /plain/d9999 of a resource without a cache, in random order.
function request()
  return wrk.format("GET", "/plain/d" .. math.random(0, 9999))
end
