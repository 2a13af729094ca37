#include "metrics/registry.h"

#include <doctest/doctest.h>

#include <array>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cache/shared_memory.h"
#include "cache/zone.h"

namespace nacre::metrics {

namespace {

constexpr Family kVisits{Kind::counter, "visits_total", "Visits.", {"page", "kind"}};
constexpr Family kTimes{Kind::histogram, "time_seconds", "Times.", {"page"}};

struct Memory {
  explicit Memory(std::size_t size = 256U << 10U) : shared(size) { Registry::format(shared.bytes()); }
  Registry registry(std::uint32_t worker = 0) const { return {shared.bytes(), worker}; }

  test::SharedMemory shared;
};

std::map<std::string, std::uint64_t> values(const Registry& registry) {
  std::map<std::string, std::uint64_t> all;
  registry.each([&](const Registry::Series& series) { all[std::string(series.labels())] = registry.value(series); });
  return all;
}

}  // namespace

TEST_CASE("a series is the same number for all workers, summed over them") {
  const Memory memory;
  for (std::uint32_t worker = 0; worker < 100; ++worker) {
    Registry registry = memory.registry(worker);
    registry.counter(kVisits, {"home", "first"}).add();
    registry.counter(kVisits, {"home", "again"}).add(2);
  }
  CHECK(values(memory.registry()) ==
        std::map<std::string, std::uint64_t>{{R"(page="home",kind="first")", 100}, {R"(page="home",kind="again")", 200}});
}

TEST_CASE("label values and families are told apart") {
  const Memory memory;
  Registry registry = memory.registry();
  registry.counter(kVisits, {"a", "b"}).add();
  registry.counter(kVisits, {"a\",kind=\"b", ""}).add(10);
  registry.histogram(kTimes, {"a"}).observe(std::chrono::seconds(1));
  CHECK(values(registry).size() == 3);
  CHECK(values(registry)[R"(page="a",kind="b")"] == 1);
}

TEST_CASE("labels are escaped") {
  constexpr std::array<std::string_view, 2> kValues{"back\\slash \"quoted\"", "two\nlines"};
  CHECK(format_labels(kVisits, kValues) == R"(page="back\\slash \"quoted\"",kind="two\nlines")");
}

TEST_CASE("durations fall into the bucket whose bound they do not exceed") {
  const Memory memory;
  Registry registry = memory.registry();
  const Histogram times = registry.histogram(kTimes, {"home"});
  std::uint64_t sum = 0;
  for (const auto bound : Histogram::kBounds) {
    for (const auto nanoseconds : {bound, bound + 1}) {
      times.observe(std::chrono::nanoseconds(nanoseconds));
      sum += static_cast<std::uint64_t>(nanoseconds);
    }
  }
  times.observe(std::chrono::nanoseconds(-1));  // counts as 0
  registry.each([&](const Registry::Series& series) {
    CHECK(registry.value(series, 0) == 2);
    for (std::size_t i = 1; i < Histogram::kBounds.size(); ++i) CHECK(registry.value(series, i) == 2);
    CHECK(registry.value(series, Histogram::kBounds.size()) == 1);
    CHECK(registry.value(series, Histogram::kBuckets) == sum);
  });
}

TEST_CASE("a counter that was not resolved counts nothing") {
  Counter().add();
  Histogram().observe(std::chrono::seconds(1));
}

TEST_CASE("what finds no room is refused and counted; what has room goes on") {
  const Memory memory(16U << 10U);
  Registry registry = memory.registry();
  const Counter kept = registry.counter(kVisits, {"kept", ""});
  int added = 1;
  while (registry.lost() == 0) registry.counter(kVisits, {std::to_string(added++), ""}).add();
  const auto before = values(registry);
  registry.counter(kVisits, {"one more", ""}).add();
  registry.histogram(kTimes, {"home"}).observe(std::chrono::seconds(1));
  CHECK(registry.lost() >= 2);
  kept.add(5);
  registry.counter(kVisits, {"kept", ""}).add(6);
  CHECK(values(registry)[R"(page="kept",kind="")"] == 11);
  CHECK(values(registry).size() == before.size());
}

TEST_CASE("histograms use up the cells without one running into another") {
  const Memory memory(16U << 10U);
  Registry registry = memory.registry();
  for (int i = 0; registry.lost() == 0; ++i) {
    const Histogram times = registry.histogram(kTimes, {std::to_string(i)});
    for (const auto bound : Histogram::kBounds) times.observe(std::chrono::nanoseconds(bound));
    times.observe(std::chrono::hours(1));
  }
  registry.each([&](const Registry::Series& series) {
    for (std::size_t i = 0; i < Histogram::kBuckets; ++i) CHECK(registry.value(series, i) == 1);
  });
}

TEST_CASE("a zone has room for the series of a hundred routes") {
  const test::SharedMemory shared(32U << 20U);
  const auto memory = cache::Zone::format(shared.bytes()).metrics();
  Registry::format(memory);
  Registry registry(memory, 0);
  for (int route = 0; route < 100; ++route) {
    const std::string name = "resource.action." + std::to_string(route);
    registry.histogram(kHttpDuration, {name});
    for (int status = 200; status < 215; ++status) {
      registry.counter(kHttpRequests, {name, "DELETE", std::to_string(status)});
    }
  }
  CHECK(registry.lost() == 0);
}

TEST_CASE("counts of processes that come, go and are killed stay right") {
  const Memory memory;
  const test::SharedMemory page(4096);
  auto* const counted = reinterpret_cast<std::atomic<std::uint64_t>*>(page.bytes().data());
  for (std::uint32_t round = 0; round < 50; ++round) {
    counted[1] = 0;
    test::Child worker([&] {
      Registry registry = memory.registry(round);
      for (int i = 0;; ++i) {
        const Counter counter = registry.counter(kVisits, {std::to_string(round), std::to_string(i % 20)});
        counter.add();
        ++counted[0];
        counted[1] = 1;
      }
    });
    while (counted[1] == 0) ::sched_yield();
    Registry registry = memory.registry();
    for (int i = 0; i < 20; ++i) registry.counter(kVisits, {"here", std::to_string(i)}).add();
    worker.kill();
  }
  std::uint64_t here = 0, there = 0;
  for (const auto& [labels, value] : values(memory.registry())) (labels.find("here") != labels.npos ? here : there) += value;
  CHECK(here == 1000);
  // Each was killed between counting and telling at the most once.
  CHECK(there >= counted[0]);
  CHECK(there <= counted[0] + 50);
}

}  // namespace nacre::metrics
