-- d0 … d9999 below the path, in random order: documents of a resource without a cache.
function request()
  return wrk.format("GET", wrk.path .. "d" .. math.random(0, 9999))
end
