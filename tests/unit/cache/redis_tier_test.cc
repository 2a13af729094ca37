// Two hosts on one Redis, which a test disturbs.
#include "cache/redis_tier.h"

#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <vector>

#include "cache/found.h"
#include "cache/shared_memory.h"
#include "redis/client_fixture.h"

namespace nacre::cache {

namespace {

using Fill = RemoteTier::Look::Fill;

constexpr Milliseconds kSoon{30'000};  // on a busy machine
constexpr config::CachePolicy kLong{true, Milliseconds{60'000}, Milliseconds{60'000}};
const Key kDocument = Key::document(7, "notes", "1");
const Key kList = Key::list(7, "notes", "limit=25");
const std::string_view kId = "1";

struct OnRedis {
  explicit OnRedis(const redis::Process& server)
      : redis(redis::server_at(server.endpoint()), Milliseconds{250}),
        tier(redis.client, zone, redis.loop.scheduler,
             {.prefix = "n",
              .identity = 1,
              .configuration = 1,
              .reserved = Milliseconds{3'000},
              .timeout = Milliseconds{250},
              .log = [this](LogLevel, std::string_view line) { log.emplace_back(line); }}) {}

  /// Turns the loop until the tier is used.
  bool used() {
    return redis.turn(kSoon, [this] { return find(kDocument).has_value(); });
  }
  Result<RemoteTier::Look> find(const Key& key) {
    Result<RemoteTier::Look> look = Failure(Error::internal);
    redis.loop.run([&] { look = tier.find(key, found); });
    return look;
  }
  /// What a reader of the store does before it reads.
  RemoteTier::Look begin_read(const Key& key) {
    RemoteTier::Look look;
    redis.loop.run([&] {
      if (const auto looked = tier.find(key, found)) look = *looked;
      tier.reserve(key, look);
    });
    return look;
  }
  void end_read(const Key& key, const RemoteTier::Look& look, const std::string& body) {
    redis.loop.run([&] {
      tier.fill(key, look, {body, "\"1\"", std::nullopt}, kLong);
      (void)redis.client.ping();
    });
  }
  void read(const Key& key, const std::string& body) { end_read(key, begin_read(key), body); }
  std::string body(const Key& key) {
    const auto look = find(key);
    return !look ? "away" : look->age ? found.body : "none";
  }
  void write() {
    redis.loop.run([&] { tier.invalidate("notes", std::span(&kId, 1)); });
  }

  test::SharedMemory memory{Zone::kMinimumSize};
  Zone& zone = Zone::format(memory.bytes());
  std::vector<std::string> log;
  redis::ClientFixture redis;
  RedisTier tier;
  Entry found;
};

}  // namespace

TEST_SUITE("RedisTier") {
  TEST_CASE("what one host fills in another finds, until somebody writes") {
    const redis::Process server;
    OnRedis here(server);
    OnRedis there(server);
    REQUIRE(here.used());
    REQUIRE(there.used());
    for (const Key& key : {kDocument, kList}) {
      CHECK(here.body(key) == "none");
      here.read(key, "old");
      CHECK(there.body(key) == "old");
    }
    there.write();
    for (const Key& key : {kDocument, kList}) {
      CHECK(here.body(key) == "none");
      here.read(key, "new");
      CHECK(there.body(key) == "new");
    }
  }

  TEST_CASE("a reader puts back nothing that was written since it looked") {
    const redis::Process server;
    OnRedis here(server);
    OnRedis there(server);
    REQUIRE(here.used());
    REQUIRE(there.used());
    for (const bool full : {false, true}) {
      CAPTURE(full);
      for (const Key& key : {kDocument, kList}) {
        for (const char* before : {"", "there"}) {
          CAPTURE(before);
          here.write();
          if (*before != '\0') here.read(key, before);
          const auto look = here.begin_read(key);
          if (full) (void)server.ask({"CONFIG", "SET", "maxmemory", "1"});
          there.write();
          (void)server.ask({"CONFIG", "SET", "maxmemory", "0"});
          here.end_read(key, look, "old");
          CHECK(there.body(key) == "none");
          const auto slow = here.begin_read(key);
          there.write();
          there.read(key, "new");
          here.end_read(key, slow, "old");
          CHECK(here.body(key) != "old");
        }
      }
    }
    CHECK(here.log.empty());
  }

  TEST_CASE("of those who read at the same time one fills in, and a place that is kept goes when nobody does") {
    const redis::Process server;
    OnRedis here(server);
    REQUIRE(here.used());
    CHECK(here.begin_read(kDocument).fill == Fill::over);
    CHECK(here.begin_read(kDocument).fill == Fill::none);
    CHECK(here.redis.turn(Milliseconds{30'000}, [&] { return here.begin_read(kDocument).fill == Fill::over; }));
  }

  TEST_CASE("after a write that Redis could not be told of, no host finds what was before it") {
    redis::Process server;
    OnRedis here(server);
    OnRedis there(server);
    REQUIRE(here.used());
    REQUIRE(there.used());
    here.read(kDocument, "old");
    here.read(kList, "old");
    server.stop();
    here.write();
    CHECK(here.body(kDocument) == "away");
    server.go_on();
    CHECK(here.used());
    CHECK(here.body(kDocument) == "none");
    CHECK(here.body(kList) == "none");
    CHECK(there.redis.turn(kSoon, [&] { return there.body(kDocument) == "none"; }));
    CHECK(there.body(kList) == "none");
  }

  TEST_CASE("what was cached in the zone goes with the epoch") {
    const redis::Process server;
    OnRedis here(server);
    REQUIRE(here.used());
    const Ticket ticket = here.zone.ticket("notes/1");
    here.zone.fill("k", "notes/1", ticket, {"old", "", std::nullopt}, {kLong.ttl, kLong.stale}, monotonic_now());
    REQUIRE(test::find(here.zone, "k", monotonic_now()));
    (void)server.ask({"FLUSHALL"});
    CHECK(here.redis.turn(kSoon, [&] { return !test::find(here.zone, "k", monotonic_now()); }));
  }

  TEST_CASE("a message that is longer than any host's ends all, and nothing in it is looked at") {
    const redis::Process server;
    OnRedis here(server);
    REQUIRE(here.used());
    const Ticket ticket = here.zone.ticket("notes/1");
    here.zone.fill("k", "notes/1", ticket, {"old", "", std::nullopt}, {kLong.ttl, kLong.stale}, monotonic_now());
    const std::string message = "other things" + std::string(100'000, ' ');
    REQUIRE(here.redis.turn(kSoon, [&] { return server.ask({"PUBLISH", "n:writes", message}).number() > 0; }));
    CHECK(here.redis.turn(kSoon, [&] { return !test::find(here.zone, "k", monotonic_now()); }));
  }

  TEST_CASE("a server that says it is another, has other data or has lost its epoch gets a new one") {
    redis::Process server;
    OnRedis here(server);
    REQUIRE(here.used());
    const auto epoch = [&] { return server.ask({"GET", "n:epoch"}).text(); };
    for (const char* change : {"emptied", "started anew", "made a replica and a master", "of an older snapshot",
                               "swapped and swapped back", "swapped back before anybody looked"}) {
      CAPTURE(change);
      here.read(kDocument, "old");
      const std::string before = epoch();
      const std::string_view what = change;
      if (what == "emptied") (void)server.ask({"FLUSHALL"});
      if (what == "made a replica and a master") {
        (void)server.ask({"REPLICAOF", "127.0.0.1", "1"});
        (void)server.ask({"REPLICAOF", "NO", "ONE"});
      }
      if (what == "started anew") (void)server.ask({"SAVE"});
      if (what == "of an older snapshot") here.write();
      if (what == "started anew" || what == "of an older snapshot") {
        server.kill();
        server.start();
        if (what == "started anew") CHECK(epoch() == before);
      }
      if (what.starts_with("swapped")) {
        const std::uint64_t known = here.zone.trust().last_epoch();
        (void)server.ask({"SWAPDB", "0", "1"});
        if (what == "swapped and swapped back") {
          REQUIRE(here.redis.turn(kSoon, [&] { return here.zone.trust().last_epoch() != known; }));
        }
        here.write();
        (void)server.ask({"SWAPDB", "0", "1"});
        CHECK(epoch() == before);
      }
      CHECK(here.redis.turn(kSoon, [&] { return !epoch().empty() && epoch() != before && here.body(kDocument) == "none"; }));
    }
  }

  TEST_CASE("a write ends what is cached under an epoch that its host has not heard of") {
    const redis::Process server;
    OnRedis here(server);
    OnRedis there(server);
    REQUIRE(here.used());
    REQUIRE(there.used());
    const std::uint64_t before = here.zone.trust().last_epoch();
    (void)server.ask({"FLUSHALL"});
    REQUIRE(here.redis.turn(kSoon, [&] { return here.zone.trust().last_epoch() != before; }));
    REQUIRE(here.used());
    here.read(kDocument, "old");
    Trust& trust = there.zone.trust();
    const std::uint64_t epoch = here.zone.trust().last_epoch();
    REQUIRE(there.redis.turn(kSoon, [&] { return trust.last_epoch() == epoch; }));
    trust.learn(*trust.begin(monotonic_now(), Milliseconds{1}), before);
    there.write();
    CHECK(here.used());
    CHECK(here.body(kDocument) == "none");
    CHECK(there.used());
    CHECK(here.zone.trust().last_epoch() == epoch);
  }

  TEST_CASE("a Redis that takes no writes is not looked at, one that is full is") {
    const redis::Process server;
    OnRedis here(server);
    REQUIRE(here.used());
    here.read(kDocument, "old");
    (void)server.ask({"CONFIG", "SET", "maxmemory", "1"});
    CHECK(here.redis.turn(kSoon, [&] { return here.zone.trust().refuses(); }));
    CHECK(here.body(kDocument) == "old");
    here.write();
    CHECK(here.body(kDocument) == "none");
    (void)server.ask({"CONFIG", "SET", "maxmemory", "0"});
    CHECK(here.redis.turn(kSoon, [&] { return !here.zone.trust().refuses(); }));
    here.read(kDocument, "old");
    (void)server.ask({"CONFIG", "SET", "min-replicas-to-write", "1"});
    CHECK(here.redis.turn(kSoon, [&] { return here.zone.trust().refuses(); }));
    CHECK(here.body(kDocument) == "away");
    here.write();
    (void)server.ask({"CONFIG", "SET", "min-replicas-to-write", "0"});
    CHECK(here.used());
    CHECK(here.body(kDocument) == "none");
    CHECK(here.log == std::vector<std::string>{"redis takes no writes: OOM command not allowed when used memory > 'maxmemory'.",
                                               "redis takes writes again",
                                               "redis takes no writes: NOREPLICAS Not enough good replicas to write.",
                                               "redis takes writes again"});
  }

  TEST_CASE("a write whose fiber ends before Redis was told leaves a mark") {
    const redis::Process server;
    OnRedis here(server);
    OnRedis there(server);
    REQUIRE(here.used());
    REQUIRE(there.used());
    here.read(kDocument, "old");
    fiber::Fiber* const writer = here.redis.loop.start([&] { here.tier.invalidate("notes", std::span(&kId, 1)); });
    REQUIRE(writer != nullptr);
    fiber::cancel(*writer);
    CHECK(here.body(kDocument) == "away");
    CHECK(there.redis.turn(kSoon, [&] { return there.body(kDocument) == "none"; }));
  }
}

}  // namespace nacre::cache
