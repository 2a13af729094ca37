wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"title":"A note of the benchmark","body":"' .. string.rep("x", 150) .. '"}'
