#include "metrics/recorder.h"

#include <doctest/doctest.h>

#include "cache/shared_memory.h"
#include "metrics/exposition.h"

namespace nacre::metrics {

namespace {

using std::chrono::milliseconds;

struct Worker {
  explicit Worker(std::span<std::byte> memory, std::uint32_t number = 0, std::vector<std::string> routes = {"notes.read"})
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
  Worker before(memory.shared.bytes(), 0, {"notes.read", "old.read"});
  Worker after(memory.shared.bytes(), 0, {"new.read", "notes.read"});
  for (Worker* worker : {&before, &after}) {
    for (const std::size_t route : {0U, 1U}) worker->recorder.answered(route, http::Method::post, 201, milliseconds(1));
  }
  CHECK(after.shows(R"(nacre_http_requests_total{route="notes.read",method="POST",status="201"} 2)"));
  CHECK(after.shows(R"(nacre_http_requests_total{route="old.read",method="POST",status="201"} 1)"));
  CHECK(after.shows(R"(nacre_http_requests_total{route="new.read",method="POST",status="201"} 1)"));
}

TEST_CASE("reads are counted by tier and result") {
  const Memory memory;
  Worker worker(memory.shared.bytes());
  for (const auto outcome : {cache::Outcome::none, cache::Outcome::l1_hit, cache::Outcome::miss, cache::Outcome::miss,
                             cache::Outcome::stale, cache::Outcome::l2_hit}) {
    worker.recorder.looked_up(outcome);
  }
  CHECK(worker.shows(R"(nacre_cache_requests_total{tier="l1",result="hit"} 1)"));
  CHECK(worker.shows(R"(nacre_cache_requests_total{tier="l1",result="miss"} 3)"));
  CHECK(worker.shows(R"(nacre_cache_requests_total{tier="l1",result="stale"} 1)"));
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
