// What must hold while several processes use one zone and some of them are killed.
#include <doctest/doctest.h>
#include <sched.h>

#include <array>
#include <atomic>
#include <memory>
#include <random>
#include <string>

#include "cache/found.h"
#include "cache/shared_memory.h"
#include "cache/zone.h"

namespace nacre::cache {

namespace {

constexpr Milliseconds kTtl{60'000};
constexpr Monotonic kNow{1'000'000};

struct SharedZone {
  test::SharedMemory memory{2U << 20U};
  Zone& zone = Zone::format(memory.bytes());
};

/// Lists the calling process and takes it off again before the memory goes, in which the kernel would look for its lock.
bool finds_a_death(Zone& zone) {
  const WorkerSlots::Entered entered = zone.enter();
  zone.leave(*entered.place);
  return entered.died;
}

/// A body that tells whether it belongs to its key and is whole.
std::string body_of(const std::string& key, std::size_t repeats) {
  std::string body;
  body.reserve(key.size() * repeats);
  for (std::size_t i = 0; i < repeats; ++i) body += key;
  return body;
}

/// One random operation; false when the zone gave what was never put in.
bool use(Zone& zone, std::mt19937& random) {
  const std::string key = "k" + std::to_string(random() % 500);
  const std::string subject = "s" + std::to_string(random() % 50);
  const std::size_t repeats = random() % (random() % 8 == 0 ? 4000 : 100);
  switch (random() % 8) {
    case 0:
    case 1:
    case 2:
      zone.fill(subject + key, subject, zone.ticket(subject), {body_of(key, repeats), "", std::nullopt}, {kTtl, kTtl}, kNow);
      return true;
    case 3:
      zone.invalidate(subject);
      return true;
    case 4:
      return zone.put(key, body_of(key, repeats % 100), kTtl, kNow) || true;
    case 5: {
      const auto value = zone.get(key, kNow);
      return !*value || **value == body_of(key, (*value)->size() / key.size());
    }
    default: {
      const auto hit = test::find(zone, subject + key, kNow);
      return !hit || hit->entry.body == body_of(key, hit->entry.body.size() / key.size());
    }
  }
}

}  // namespace

TEST_CASE("killing processes at random moments leaves a whole zone") {
  SharedZone t;
  const test::SharedMemory page(4096);
  auto& begun = *reinterpret_cast<std::atomic<int>*>(page.bytes().data());
  std::mt19937 random(5);
  for (int round = 0; round < 300; ++round) {
    begun = 0;
    const auto work = [&] {
      std::mt19937 own(static_cast<unsigned>(::getpid()));
      ++begun;
      while (use(t.zone, own)) {
      }
    };
    test::Child first(work);
    test::Child second(work);
    while (begun < 2) ::sched_yield();
    for (unsigned i = random() % 300; i > 0; --i) REQUIRE(use(t.zone, random));
    first.kill();
    for (unsigned i = random() % 50; i > 0; --i) REQUIRE(use(t.zone, random));
    second.kill();
    REQUIRE(t.zone.intact());
  }
}

TEST_CASE("counts of several processes add up") {
  SharedZone t;
  std::array<std::unique_ptr<test::Child>, 4> children;
  for (auto& child : children) {
    child = std::make_unique<test::Child>([&] {
      for (int n = 0; n < 5000; ++n) {
        if (!t.zone.increment("visits", 1, kTtl, kNow)) ::_exit(1);
      }
    });
  }
  for (auto& child : children) CHECK(child->wait());
  CHECK(*t.zone.increment("visits", 0, kTtl, kNow) == 20'000);
}

TEST_CASE("of several processes that race for a mark or a lease, one gets it") {
  SharedZone t;
  const test::SharedMemory page(4096);
  auto* const wins = reinterpret_cast<std::atomic<int>*>(page.bytes().data());
  std::array<std::unique_ptr<test::Child>, 4> children;
  for (auto& child : children) {
    child = std::make_unique<test::Child>([&] {
      for (int n = 0; n < 500; ++n) {
        const std::string key = std::to_string(n);
        if (*t.zone.put_if_absent(key, "mine", kTtl, kNow)) ++wins[0];
      }
      if (t.zone.try_lead("the one", kTtl, kNow)) ++wins[1];
    });
  }
  for (auto& child : children) CHECK(child->wait());
  CHECK(wins[0] == 500);
  CHECK(wins[1] == 1);
}

TEST_CASE("a reader never finds the state before a write that ended before it asked") {
  // One process writes the only document (a number in shared memory) by the rule; others read through the zone.
  SharedZone t;
  const test::SharedMemory page(4096);
  auto* const shared = reinterpret_cast<std::atomic<int>*>(page.bytes().data());
  std::atomic<int>& store = shared[0];
  std::atomic<int>& committed = shared[16];
  std::atomic<int>& over = shared[32];
  std::atomic<int>& readers = shared[48];
  const auto read = [&] {
    ++readers;
    while (over == 0) {
      const int least = committed;
      const auto hit = test::find(t.zone, "doc", kNow);
      if (hit && std::stoi(hit->entry.body) < least) ::_exit(1);
      if (hit) continue;
      const Ticket ticket = t.zone.ticket("doc");
      const std::string loaded = std::to_string(store);
      for (int i = loaded.back() - '0'; i > 0; --i) ::sched_yield();
      t.zone.fill("doc", "doc", ticket, {loaded, "", std::nullopt}, {kTtl, kTtl}, kNow);
    }
  };
  test::Child first(read);
  test::Child second(read);
  while (readers < 2) ::sched_yield();
  for (int i = 1; i <= 20'000; ++i) {
    t.zone.invalidate("doc");
    store = i;
    t.zone.invalidate("doc");
    committed = i;
    if (i % 10 == 0) ::sched_yield();
  }
  over = 1;
  CHECK(first.wait());
  CHECK(second.wait());
}

TEST_CASE("what is read without the lock is one state, however it is overwritten meanwhile") {
  SharedZone t;
  const test::SharedMemory page(4096);
  auto* const shared = reinterpret_cast<std::atomic<int>*>(page.bytes().data());
  std::atomic<int>& over = shared[0];
  std::atomic<int>& found = shared[16];
  // One key whose entry is now short, now long, among others that take the blocks that it gives back.
  const auto write = [&] {
    std::mt19937 random(static_cast<unsigned>(::getpid()));
    while (over == 0) {
      const std::string key = random() % 2 == 0 ? "hot" : "k" + std::to_string(random() % 40);
      const std::string body = body_of(key, random() % 3000);
      t.zone.fill(key, "s", t.zone.ticket("s"), {body, std::to_string(body.size()), std::nullopt}, {kTtl, kTtl}, kNow);
    }
  };
  const auto read = [&] {
    while (over == 0) {
      const auto hit = test::find(t.zone, "hot", kNow);
      if (!hit) continue;
      ++found;
      const std::string& body = hit->entry.body;
      if (body != body_of("hot", body.size() / 3) || hit->entry.etag != std::to_string(body.size())) ::_exit(1);
    }
  };
  test::Child writer(write);
  test::Child first(read);
  test::Child second(read);
  while (found < 20'000) ::sched_yield();
  over = 1;
  CHECK(writer.wait());
  CHECK(first.wait());
  CHECK(second.wait());
  CHECK(t.zone.intact());
}

TEST_CASE("a worker that was killed is noticed once, and everything is invalidated") {
  SharedZone t;
  const test::SharedMemory page(4096);
  auto& entered = *reinterpret_cast<std::atomic<int>*>(page.bytes().data());
  const auto work = [&] {
    t.zone.enter();
    entered = 1;
    for (;;) ::pause();
  };
  CHECK_FALSE(finds_a_death(t.zone));
  const Ticket before = t.zone.ticket("s");
  test::Child worker(work);
  while (entered == 0) ::sched_yield();
  CHECK_FALSE(finds_a_death(t.zone));  // alive: as after a reload, when it still finishes requests
  CHECK(t.zone.ticket("s") == before);
  worker.kill_without_reaping();
  CHECK(finds_a_death(t.zone));
  CHECK(t.zone.ticket("s") != before);
  CHECK_FALSE(finds_a_death(t.zone));
}

TEST_CASE("a worker that left is no death") {
  SharedZone t;
  test::Child worker([&] { t.zone.leave(*t.zone.enter().place); });
  CHECK(worker.wait());
  CHECK_FALSE(finds_a_death(t.zone));
}

}  // namespace nacre::cache
