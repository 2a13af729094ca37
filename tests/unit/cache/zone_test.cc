#include "cache/zone.h"

#include <doctest/doctest.h>

#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "cache/found.h"
#include "cache/shared_memory.h"

namespace nacre::cache {

namespace {

constexpr Milliseconds kTtl{30'000};
constexpr Milliseconds kStale{5'000};

struct TestZone {
  explicit TestZone(std::size_t size = Zone::kMinimumSize) : memory(size), zone(Zone::format(memory.bytes())) {}

  bool fill(std::string_view key, std::string body, std::string_view subject = "s") {
    return zone.fill(key, subject, zone.ticket(subject), {std::move(body), "\"1\"", std::nullopt}, {kTtl, kStale}, now);
  }
  std::optional<std::string> body(std::string_view key) {
    auto hit = test::find(zone, key, now);
    if (!hit) return std::nullopt;
    return std::move(hit->entry.body);
  }

  test::SharedMemory memory;
  Zone& zone;
  Monotonic now{1'000'000};
};

}  // namespace

TEST_CASE("an entry comes back as it was filled") {
  TestZone t;
  const Entry entry{std::string("bytes\0of any kind", 17), "W/\"7\"", Timestamp{Milliseconds{-5}}};
  REQUIRE(t.zone.fill("key", "s", t.zone.ticket("s"), entry, {kTtl, kStale}, t.now));
  const auto hit = test::find(t.zone, "key", t.now + Milliseconds{42});
  REQUIRE(hit);
  CHECK(hit->entry.body == entry.body);
  CHECK(hit->entry.etag == entry.etag);
  CHECK(hit->entry.last_modified == entry.last_modified);
  CHECK(hit->entry.last_modified->view() == "Wed, 31 Dec 1969 23:59:59 GMT");
  CHECK(hit->age == Milliseconds{42});
  CHECK(hit->freshness == Freshness::fresh);
  CHECK_FALSE(test::find(t.zone, "other", t.now));

  REQUIRE(t.fill("empty", ""));
  CHECK(t.body("empty") == "");
  CHECK_FALSE(test::find(t.zone, "empty", t.now)->entry.last_modified);
}

TEST_CASE("an entry is fresh for its ttl, stale for a while, then gone") {
  TestZone t;
  t.fill("key", "body");
  CHECK(test::find(t.zone, "key", t.now + (kTtl - Milliseconds{1}))->freshness == Freshness::fresh);
  CHECK(test::find(t.zone, "key", t.now + kTtl)->freshness == Freshness::stale);
  CHECK(test::find(t.zone, "key", t.now + (kTtl + kStale - Milliseconds{1})));
  CHECK_FALSE(test::find(t.zone, "key", t.now + kTtl + kStale));
  CHECK(t.zone.usage().entries == 0);
}

TEST_CASE("what was loaded before a write can't be filled after it") {
  TestZone t;
  const Ticket before = t.zone.ticket("s");
  t.zone.invalidate("s");
  CHECK_FALSE(t.zone.fill("key", "s", before, {"old", "", std::nullopt}, {kTtl, kStale}, t.now));
  CHECK_FALSE(t.body("key"));

  // In between the two invalidations of a write the old state can be filled; the second one drops it.
  const Ticket between = t.zone.ticket("s");
  CHECK(t.zone.fill("key", "s", between, {"old", "", std::nullopt}, {kTtl, kStale}, t.now));
  t.zone.invalidate("s");
  CHECK_FALSE(t.body("key"));
}

TEST_CASE("a slow reader can't put an older entry over a newer one") {
  TestZone t;
  const Ticket old = t.zone.ticket("s");
  t.zone.invalidate("s");
  REQUIRE(t.fill("key", "new"));
  CHECK_FALSE(t.zone.fill("key", "s", old, {"old", "", std::nullopt}, {kTtl, kStale}, t.now));
  CHECK(t.body("key") == "new");
}

TEST_CASE("invalidation drops what belongs to the subject; of everything, all") {
  TestZone t;
  std::vector<std::string> subjects{"first"};  // two that do not meet in one stripe
  for (int i = 0; subjects.size() < 2; ++i) {
    const std::string other = "other " + std::to_string(i);
    const Ticket before = t.zone.ticket(other);
    t.zone.invalidate(subjects[0]);
    if (t.zone.ticket(other) == before) subjects.push_back(other);
  }
  t.fill("a", "1", subjects[0]);
  t.fill("b", "2", subjects[1]);
  t.zone.invalidate(subjects[0]);
  CHECK_FALSE(t.body("a"));
  CHECK(t.body("b") == "2");
  t.zone.invalidate_all();
  CHECK_FALSE(t.body("b"));
  REQUIRE(t.fill("b", "3", subjects[1]));
  CHECK(t.body("b") == "3");
}

TEST_CASE("a full zone drops what was used longest ago") {
  TestZone t;
  int filled = 0;
  while (t.zone.usage().evictions == 0) t.fill(std::to_string(filled++), std::string(1000, 'x'));
  CHECK_FALSE(t.body("0"));
  t.now = t.now + Milliseconds{1'000};  // an entry counts as used anew once a second
  REQUIRE(t.body("1"));                 // used now: 2 is the next to go
  t.fill("more", std::string(1000, 'x'));
  CHECK_FALSE(t.body("2"));
  CHECK(t.body("1"));
  for (int i = 3; i < filled; ++i) REQUIRE(t.body(std::to_string(i)));
}

TEST_CASE("big entries push out small ones and small ones big ones, and what can't fit is refused") {
  for (const std::size_t size : {Zone::kMinimumSize, std::size_t{32} << 20U}) {
    TestZone t(size);
    const std::string big((size >= 32U << 20U ? 256U : 128U) << 10U, 'b');
    for (int round = 0; round < 3; ++round) {
      const std::uint64_t before = t.zone.usage().evictions;
      for (int i = 0; t.zone.usage().evictions < before + 100; ++i) REQUIRE(t.fill("small " + std::to_string(i), "x"));
      for (int i = 0; i < 200; ++i) {
        const std::string key = "big " + std::to_string(i);
        REQUIRE(t.fill(key, big));
        REQUIRE(t.body(key) == big);
      }
    }
    CHECK_FALSE(t.fill("key", std::string(Zone::kLargestEntry, 'x')));
    CHECK(t.zone.usage().bytes <= t.zone.usage().capacity);
    CHECK(t.zone.intact());
  }
}

TEST_CASE("most of the zone holds entries") {
  TestZone t(32U << 20U);
  CHECK(t.zone.usage().capacity > (21U << 20U));
  CHECK(t.zone.metrics().size() >= (512U << 10U));
}

TEST_CASE("a million fills of all sizes neither mix up entries nor wear out the memory") {
  TestZone t(4U << 20U);
  std::mt19937 random(3);
  std::string pool(128U << 10U, '\0');
  for (char& c : pool) c = static_cast<char>(random());
  struct Filled {
    std::uint32_t offset = 0, size = 0;
  };
  std::vector<Filled> model(5000);
  std::uint64_t hits = 0;
  for (int i = 0; i < 1'000'000; ++i) {
    const std::uint32_t id = random() % model.size();
    const std::string key = "notes/" + std::to_string(id);
    if (i % 4 == 0) {
      if (const auto found = t.body(key)) {
        ++hits;
        if (*found != std::string_view(pool).substr(model[id].offset, model[id].size)) FAIL("another entry's body");
      }
    }
    // Mostly small, up to 64 KiB.
    const std::uint32_t size = static_cast<std::uint32_t>(random()) >> (16U + random() % 16U);
    model[id] = {static_cast<std::uint32_t>(random() % (pool.size() / 2)), size};
    if (!t.fill(key, pool.substr(model[id].offset, size))) FAIL("refused");
  }
  CHECK(hits > 10'000);
  CHECK(t.zone.intact());
  CHECK(t.fill("last", pool.substr(0, 100'000)));
  CHECK(t.body("last") == pool.substr(0, 100'000));
}

TEST_CASE("without want of room a zone is a map with generations and expiry, whatever is done") {
  struct Filled {
    std::string body;
    std::uint64_t generation = 0;
    Monotonic at{};
    Milliseconds ttl{}, stale{};
  };
  TestZone t(8U << 20U);
  std::map<std::string, Filled> model;
  std::map<std::string, Ticket> tickets;
  std::mt19937 random(4);
  for (int step = 0; step < 100'000; ++step) {
    t.now = t.now + Milliseconds{random() % 5};
    const std::string subject = "s" + std::to_string(random() % 8);
    const std::string key = subject + "/" + std::to_string(random() % 40);
    switch (random() % 8) {
      case 0:
        t.zone.invalidate(subject);
        break;
      case 1:
        if (random() % 50 == 0) t.zone.invalidate_all();
        break;
      case 2:
        tickets[subject] = t.zone.ticket(subject);
        break;
      case 3:
      case 4: {
        const Ticket ticket = tickets.contains(subject) && random() % 2 == 0 ? tickets[subject] : t.zone.ticket(subject);
        const Filled filled{std::string(random() % 700, 'b'), ticket.generation, t.now, Milliseconds{random() % 300},
                            Milliseconds{random() % 300}};
        const bool current = ticket == t.zone.ticket(subject);
        REQUIRE(t.zone.fill(key, subject, ticket, {filled.body, "\"e\"", std::nullopt}, {filled.ttl, filled.stale}, t.now) ==
                current);
        if (current) model[key] = filled;
        break;
      }
      default: {
        const auto hit = test::find(t.zone, key, t.now);
        const auto known = model.find(key);
        const bool there = known != model.end() && known->second.generation == t.zone.ticket(subject).generation &&
                           t.now - known->second.at < known->second.ttl + known->second.stale;
        REQUIRE(hit.has_value() == there);
        if (!hit) break;
        REQUIRE(hit->entry.body == known->second.body);
        REQUIRE(hit->age == t.now - known->second.at);
        REQUIRE((hit->freshness == Freshness::fresh) == (hit->age < known->second.ttl));
      }
    }
  }
  CHECK(t.zone.usage().evictions == 0);
  CHECK(t.zone.intact());
}

TEST_CASE("a zone does not depend on where it is mapped") {
  TestZone t;
  t.fill("key", std::string(5000, 'x'));
  REQUIRE(t.zone.put("mark", "here", std::nullopt, t.now));
  const test::SharedMemory elsewhere(Zone::kMinimumSize);
  std::ranges::copy(t.memory.bytes(), elsewhere.bytes().begin());
  Zone* const moved = reinterpret_cast<Zone*>(elsewhere.bytes().data());
  CHECK(test::find(*moved, "key", t.now)->entry.body == std::string(5000, 'x'));
  CHECK(**moved->get("mark", t.now) == "here");
  CHECK(moved->intact());
}

}  // namespace nacre::cache
