#include "metrics/recorder.h"

#include <doctest/doctest.h>

#include "cache/shared_memory.h"
#include "cache/zone.h"
#include "metrics/exposition.h"

namespace nacre::metrics {

namespace {

using std::chrono::milliseconds;

struct Worker {
  explicit Worker(std::span<std::byte> memory, std::uint32_t number = 0, std::vector<Route> routes = {{"notes.read"}})
      : registry(memory, number), recorder(registry, std::move(routes)) {}
  bool shows(std::string_view line) const { return expose(registry, {}).find(std::string(line) + "\n") != std::string::npos; }

  Registry registry;
  Recorder recorder;
};

struct Memory {
  Memory() { Registry::format(shared.bytes()); }
  test::SharedMemory shared{256U << 10U};
};

}  // namespace

TEST_CASE("an answer is counted by route, method and status, and its time by route") {
  const Memory memory;
  Worker worker(memory.shared.bytes());
  constexpr std::size_t route = 0;
  worker.recorder.answered(route, http::Method::get, 200, milliseconds(3));
  worker.recorder.answered(route, http::Method::get, 200, milliseconds(3));
  worker.recorder.answered(route, http::Method::get, 404, milliseconds(3));
  CHECK(worker.shows(R"(nacre_http_requests_total{route="notes.read",method="GET",status="200"} 2)"));
  CHECK(worker.shows(R"(nacre_http_requests_total{route="notes.read",method="GET",status="404"} 1)"));
  CHECK(worker.shows(R"(nacre_http_request_duration_seconds_bucket{route="notes.read",le="0.005"} 3)"));
}

TEST_CASE("old and new workers count side by side, also on routes that only one of them has") {
  const Memory memory;
  Worker before(memory.shared.bytes(), 0, {{"notes.read"}, {"old.read"}});
  Worker after(memory.shared.bytes(), 0, {{"new.read"}, {"notes.read"}});
  for (Worker* worker : {&before, &after}) {
    for (const std::size_t route : {0U, 1U}) worker->recorder.answered(route, http::Method::post, 201, milliseconds(1));
  }
  CHECK(after.shows(R"(nacre_http_requests_total{route="notes.read",method="POST",status="201"} 2)"));
  CHECK(after.shows(R"(nacre_http_requests_total{route="old.read",method="POST",status="201"} 1)"));
  CHECK(after.shows(R"(nacre_http_requests_total{route="new.read",method="POST",status="201"} 1)"));
}

TEST_CASE("what a route usually answers is there from the start, and nothing of a route that answers nothing") {
  const Memory memory;
  const Worker worker(memory.shared.bytes(), 0, {{"notes.read", {{http::Method::get, 200}}}, {"notes.delete"}});
  CHECK(worker.shows(R"(nacre_http_requests_total{route="notes.read",method="GET",status="200"} 0)"));
  CHECK(worker.shows(R"(nacre_http_request_duration_seconds_count{route="notes.read"} 0)"));
  CHECK(expose(worker.registry, {}).find("notes.delete") == std::string::npos);
}

TEST_CASE("look-ups are counted by tier and result, in the tiers that there are") {
  const Memory memory;
  Worker worker(memory.shared.bytes());
  worker.recorder.set_tiers(false, true);
  for (const Tier tier : {Tier::l1, Tier::l2}) {
    worker.recorder.looked_up(tier, Lookup::hit);
    worker.recorder.looked_up(tier, Lookup::stale);
    worker.recorder.looked_up(tier, Lookup::stale);
  }
  CHECK(worker.shows(R"(nacre_cache_requests_total{tier="l2",result="hit"} 1)"));
  CHECK(worker.shows(R"(nacre_cache_requests_total{tier="l2",result="miss"} 0)"));
  CHECK(worker.shows(R"(nacre_cache_requests_total{tier="l2",result="stale"} 2)"));
  CHECK(expose(worker.registry, {}).find("l1") == std::string::npos);
}

TEST_CASE("a time below a millisecond has a bucket of its own") {
  const Memory memory;
  Worker worker(memory.shared.bytes());
  worker.recorder.answered(0, http::Method::get, 200, std::chrono::microseconds(12));
  worker.recorder.answered(0, http::Method::get, 200, std::chrono::microseconds(60));
  CHECK(worker.shows(R"(nacre_http_request_duration_seconds_bucket{route="notes.read",le="0.00001"} 0)"));
  CHECK(worker.shows(R"(nacre_http_request_duration_seconds_bucket{route="notes.read",le="0.000025"} 1)"));
  CHECK(worker.shows(R"(nacre_http_request_duration_seconds_bucket{route="notes.read",le="0.0001"} 2)"));
}

TEST_CASE("a zone of 32 MiB holds the series of 500 resources, and one of 4 MiB does not") {
  std::vector<Route> routes;
  for (int i = 0; i < 500; ++i) {
    const std::string name = "resource" + std::to_string(i) + '.';
    for (const char* const action : {"list", "read"}) routes.push_back({name + action, {{http::Method::get, 200}}});
    routes.push_back({name + "create", {{http::Method::post, 201}}});
    routes.push_back({name + "replace", {{http::Method::put, 200}}});
    routes.push_back({name + "update", {{http::Method::patch, 200}}});
    routes.push_back({name + "delete", {{http::Method::del, 204}}});
  }
  const Room room = Recorder::room_for(routes);
  CHECK_FALSE(room.fits(cache::Zone::metrics_size(4U << 20U)));
  const std::size_t size = cache::Zone::metrics_size(32U << 20U);
  REQUIRE(room.fits(size));
  const test::SharedMemory shared(size);
  Registry::format(shared.bytes(), room);
  Registry registry(shared.bytes(), 3);
  Recorder recorder(registry, routes);
  for (std::size_t i = 0; i < routes.size(); ++i) {
    for (const int status : {404, 503}) recorder.answered(i, routes[i].usual.front().first, status, milliseconds(1));
  }
  CHECK(registry.lost() == 0);
}

TEST_CASE("store operations are counted by operation and result, their times together") {
  const Memory memory;
  Worker worker(memory.shared.bytes());
  worker.recorder.stored(StoreOperation::find_one, std::nullopt, milliseconds(1));
  worker.recorder.stored(StoreOperation::find_one, Error::not_found, milliseconds(1));
  worker.recorder.stored(StoreOperation::insert, Error::conflict, milliseconds(1));
  worker.recorder.stored(StoreOperation::insert, Error::bad_request, milliseconds(1));
  worker.recorder.stored(StoreOperation::insert, Error::internal, milliseconds(1));
  CHECK(worker.shows(R"(nacre_store_operations_total{operation="find_one",result="ok"} 1)"));
  CHECK(worker.shows(R"(nacre_store_operations_total{operation="find_one",result="not_found"} 1)"));
  CHECK(worker.shows(R"(nacre_store_operations_total{operation="insert",result="conflict"} 1)"));
  CHECK(worker.shows(R"(nacre_store_operations_total{operation="insert",result="error"} 2)"));
  CHECK(worker.shows("nacre_store_operation_duration_seconds_count 5"));
}

TEST_CASE("calls to Redis are counted by result, their times together") {
  const Memory memory;
  Worker worker(memory.shared.bytes());
  worker.recorder.asked_redis(std::nullopt, milliseconds(1));
  worker.recorder.asked_redis(Error::unavailable, milliseconds(1));
  CHECK(worker.shows(R"(nacre_redis_commands_total{result="ok"} 1)"));
  CHECK(worker.shows(R"(nacre_redis_commands_total{result="unavailable"} 1)"));
  CHECK(worker.shows("nacre_redis_command_duration_seconds_count 2"));
}

}  // namespace nacre::metrics
