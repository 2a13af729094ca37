#include <doctest/doctest.h>

#include <map>
#include <string>
#include <vector>

#include "cache/found.h"
#include "cache/read_through.h"
#include "cache/shared_memory.h"
#include "fiber/manual_reactor.h"

namespace nacre::cache {

namespace {

constexpr config::CachePolicy kPolicy{true, Milliseconds{60'000}, Milliseconds{60'000}};
const Key kKey = Key::document(7, "notes", "1");

/// A remote tier that a test fills, empties and takes away.
struct Remote final : RemoteTier {
  struct Found {
    Entry entry;
    Milliseconds age;
  };

  Result<Look> find(const Key& key, Entry& entry) override {
    ++looks;
    if (away) return Failure(Error::unavailable);
    const auto at = entries.find(std::string(key.name()));
    if (at == entries.end()) return Look{.fill = quiet ? Look::Fill::none : Look::Fill::absent};
    entry = at->second.entry;
    return Look{.age = at->second.age, .fill = Look::Fill::over};
  }
  void reserve(const Key&, Look& look) override {
    if (look.fill == Look::Fill::absent) look.fill = Look::Fill::over;
  }
  void fill(const Key& key, const Look& look, const Entry& entry, const config::CachePolicy&) override {
    if (!away && look.fill != Look::Fill::none) entries[std::string(key.name())] = {entry, Milliseconds{}};
  }

  std::map<std::string, Found> entries;
  int looks = 0;
  bool away = false;
  bool quiet = false;
};

struct Host {
  /// Reads the document on a fiber; the store has `stored`.
  test::Answered get(bool local = true) {
    std::optional<test::Answered> served;
    ReadThrough& reads = local ? both : remote_alone;
    REQUIRE(scheduler.start(reactor.now() + Milliseconds{5'000}, [&] {
      auto got = test::get(reads, kKey, kPolicy, load(), waits);
      REQUIRE(got.has_value());
      served = std::move(*got);
    }));
    reactor.run();
    REQUIRE(served);
    return std::move(*served);
  }
  ReadThrough::Load load() {
    return [this]() -> Result<Entry> {
      ++loads;
      if (stored.empty()) return Failure(Error::unavailable);
      return Entry{stored, "\"1\"", std::nullopt};
    };
  }

  test::SharedMemory memory{Zone::kMinimumSize};
  Zone& zone = Zone::format(memory.bytes());
  ManualReactor reactor;
  fiber::Scheduler scheduler{reactor};
  Remote remote;
  ReadThrough both{zone, scheduler, {.store_timeout = Milliseconds{2'000}, .remote = &remote}};
  ReadThrough remote_alone{zone, scheduler, {.store_timeout = Milliseconds{2'000}, .remote = &remote, .local = false}};
  Waits waits;
  std::string stored = "old";
  int loads = 0;
};

}  // namespace

TEST_CASE("what is read from the store goes into both tiers") {
  Host host;
  CHECK(host.get().outcome == Outcome::miss);
  CHECK(host.remote.entries.size() == 1);
  CHECK(host.get().outcome == Outcome::l1_hit);
  CHECK(host.remote.looks == 1);
  CHECK(host.get(false).outcome == Outcome::l2_hit);
  CHECK(host.loads == 1);
}

TEST_CASE("what another host read is found in the remote tier, and then in the zone, with its age") {
  Host host;
  host.remote.entries["notes/1"] = {{"theirs", "\"2\"", std::nullopt}, Milliseconds{20'000}};
  const auto first = host.get();
  CHECK(first.outcome == Outcome::l2_hit);
  CHECK(first.entry.body == "theirs");
  CHECK(first.age == Milliseconds{20'000});
  host.reactor.advance(Milliseconds{1'000});
  const auto second = host.get();
  CHECK(second.outcome == Outcome::l1_hit);
  CHECK(second.age == Milliseconds{21'000});
  CHECK(host.loads == 0);
}

TEST_CASE("an entry of the zone is not trusted for longer than its time without a look at the remote tier") {
  Host host;
  host.get();
  host.reactor.advance(ReadThrough::kLocal - Milliseconds{1});
  CHECK(host.get().outcome == Outcome::l1_hit);
  host.reactor.advance(Milliseconds{1});
  SUBCASE("the remote tier still has it") {
    CHECK(host.get().outcome == Outcome::l2_hit);
    CHECK(host.loads == 1);
  }
  SUBCASE("a write ended it there, of which this host did not hear") {
    host.remote.entries.clear();
    host.remote.quiet = true;
    host.stored = "new";
    CHECK(host.get().entry.body == "new");
    CHECK(host.remote.entries.empty());
  }
  SUBCASE("the remote tier is away") {
    host.remote.away = true;
    CHECK(host.get().outcome == Outcome::l1_hit);
    CHECK(host.loads == 1);
  }
}

TEST_CASE("nothing older of the remote tier follows what the zone has") {
  Host host;
  host.stored = "new";
  host.get();
  host.remote.entries["notes/1"] = {{"old", "\"0\"", std::nullopt}, Milliseconds{20'000}};
  SUBCASE("by when it was read") { host.reactor.advance(ReadThrough::kLocal); }
  SUBCASE("by when it was written, whatever the clock of the host that read it") {
    const Timestamp now = host.reactor.wall();
    host.zone.fill(kKey.text(), kKey.subject(), host.zone.ticket("notes/1"), {"new", "\"1\"", HttpDate{now}},
                   {kPolicy.ttl, kPolicy.stale, Milliseconds{}, Milliseconds{}}, host.reactor.now());
    host.remote.entries["notes/1"] = {{"old", "\"0\"", HttpDate{now - Milliseconds{1}}}, Milliseconds{}};
    host.reactor.advance(Milliseconds{1});
  }
  CHECK(host.get().entry.body == "new");
  CHECK(host.loads == 2);
  CHECK(host.remote.entries["notes/1"].entry.body == "new");
}

TEST_CASE("a stale entry of the remote tier is served while it is renewed there") {
  Host host;
  host.remote.entries["notes/1"] = {{"theirs", "\"2\"", std::nullopt}, Milliseconds{70'000}};
  const auto served = host.get();
  CHECK(served.outcome == Outcome::l2_stale);
  CHECK(served.entry.body == "theirs");
  CHECK(host.loads == 1);
  CHECK(host.remote.entries["notes/1"].entry.body == "old");
  CHECK(host.get(false).outcome == Outcome::l2_hit);
}

TEST_CASE("with both the remote tier and the store away, what the zone has is served stale") {
  Host host;
  host.get();
  host.remote.away = true;
  host.stored.clear();
  host.reactor.advance(Milliseconds{70'000});
  CHECK(host.get().outcome == Outcome::stale);
}

TEST_CASE("an older answer does not take a newer one's place in the zone") {
  Host host;
  const Ticket ticket = host.zone.ticket("notes/1");
  const Timestamp now = host.reactor.wall();
  const auto fill = [&](const char* body, Timestamp modified) {
    return host.zone.fill(kKey.text(), kKey.subject(), ticket, {body, "", modified}, {kPolicy.ttl, kPolicy.stale},
                          host.reactor.now());
  };
  REQUIRE(fill("new", now));
  CHECK_FALSE(fill("old", now - Milliseconds{1}));
  CHECK(test::find_fresh(host.both, kKey)->body == "new");
}

TEST_CASE("who comes after another host's write, which was not heard of yet, gets nothing that was read before it") {
  Host host;
  host.remote.quiet = true;
  std::string got;
  const auto start = [&](fiber::Event& read) {
    const auto load = [&]() -> Result<Entry> {
      ++host.loads;
      const std::string seen = host.stored;
      CHECK(read.wait().has_value());
      return Entry{seen, "\"1\"", std::nullopt};
    };
    REQUIRE(host.scheduler.start(host.reactor.now() + Milliseconds{5'000}, [&got, &host, load] {
      got += test::get(host.remote_alone, kKey, kPolicy, load, host.waits)->entry.body + ' ';
    }));
  };
  fiber::Event first;
  fiber::Event second;
  start(first);
  host.stored = "new";
  for (int i = 0; i < 3; ++i) start(second);
  first.set();
  host.reactor.run();
  CHECK(got == "old ");
  second.set();
  host.reactor.run();
  CHECK(got == "old new new new ");
  CHECK(host.loads == 2);
}

}  // namespace nacre::cache
