#include "metrics/exposition.h"

#include <doctest/doctest.h>

#include "cache/shared_memory.h"

namespace nacre::metrics {

namespace {

struct Memory {
  test::SharedMemory shared{64U << 10U};
  Registry registry = formatted();

 private:
  Registry formatted() const {
    Registry::format(shared.bytes());
    return {shared.bytes(), 0};
  }
};

bool contains(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }

}  // namespace

TEST_CASE("counters and samples are written family by family, each with its help and type once") {
  Memory memory;
  memory.registry.counter(kHttpRequests, {"notes.read", "GET", "200"}).add(3);
  memory.registry.counter(kCacheRequests, {"l1", "hit"}).add(7);
  memory.registry.counter(kHttpRequests, {"notes.read", "GET", "404"}).add(1);
  const std::vector<Sample> samples{{kConnections, {"active"}, 5}, {kBuildInfo, {"0.1.0", "1.22.1"}, 1}};
  CHECK(expose(memory.registry, samples) ==
        R"(# HELP nacre_http_requests_total Answered requests, those that nginx rejected included.
# TYPE nacre_http_requests_total counter
nacre_http_requests_total{route="notes.read",method="GET",status="200"} 3
nacre_http_requests_total{route="notes.read",method="GET",status="404"} 1
# HELP nacre_cache_requests_total Look-ups in a tier of the cache.
# TYPE nacre_cache_requests_total counter
nacre_cache_requests_total{tier="l1",result="hit"} 7
# HELP nacre_connections Connections of clients.
# TYPE nacre_connections gauge
nacre_connections{state="active"} 5
# HELP nacre_metrics_lost_series_total Series that found no room in the zone and are not counted.
# TYPE nacre_metrics_lost_series_total counter
nacre_metrics_lost_series_total 0
# HELP nacre_build_info What runs; always 1.
# TYPE nacre_build_info gauge
nacre_build_info{version="0.1.0",nginx="1.22.1"} 1
)");
}

TEST_CASE("a histogram's buckets are cumulative, its sum in seconds") {
  Memory memory;
  const Histogram times = memory.registry.histogram(kHttpDuration, {"notes.read"});
  times.observe(std::chrono::microseconds(50));
  times.observe(std::chrono::microseconds(100));
  times.observe(std::chrono::milliseconds(30));
  times.observe(std::chrono::seconds(60));
  const std::string text = expose(memory.registry, {});
  for (const char* line : {
           R"(nacre_http_request_duration_seconds_bucket{route="notes.read",le="0.0001"} 2)",
           R"(nacre_http_request_duration_seconds_bucket{route="notes.read",le="0.025"} 2)",
           R"(nacre_http_request_duration_seconds_bucket{route="notes.read",le="0.05"} 3)",
           R"(nacre_http_request_duration_seconds_bucket{route="notes.read",le="1"} 3)",
           R"(nacre_http_request_duration_seconds_bucket{route="notes.read",le="2.5"} 3)",
           R"(nacre_http_request_duration_seconds_bucket{route="notes.read",le="10"} 3)",
           R"(nacre_http_request_duration_seconds_bucket{route="notes.read",le="+Inf"} 4)",
           R"(nacre_http_request_duration_seconds_sum{route="notes.read"} 60.03015)",
           R"(nacre_http_request_duration_seconds_count{route="notes.read"} 4)",
       }) {
    CAPTURE(line);
    CHECK(contains(text, std::string(line) + "\n"));
  }
}

TEST_CASE("a histogram without labels has none but le") {
  Memory memory;
  memory.registry.histogram(kStoreDuration, {}).observe(std::chrono::seconds(1));
  const std::string text = expose(memory.registry, {});
  CHECK(contains(text, "nacre_store_operation_duration_seconds_bucket{le=\"1\"} 1\n"));
  CHECK(contains(text, "nacre_store_operation_duration_seconds_sum 1\n"));
}

}  // namespace nacre::metrics
