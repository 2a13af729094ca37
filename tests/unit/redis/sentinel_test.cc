#include "redis/sentinel.h"

#include <doctest/doctest.h>

#include <thread>

#include "redis/client_fixture.h"

namespace nacre::redis {

namespace {

/// A master, a replica, and Sentinels that watch them.
struct Group {
  explicit Group(std::vector<std::string> lines = {}, const std::string& sentinel_line = "") {
    auto follower = lines;
    follower.push_back("replicaof 127.0.0.1 " + std::to_string(master.port()));
    replica.emplace(follower);
    // A Sentinel looks for replicas when it starts, and then every ten seconds.
    for (int i = 0; i < 500 && !follows(); ++i) std::this_thread::sleep_for(Milliseconds{20});
    for (int i = 0; i < 3; ++i) {
      std::vector<std::string> watch{"sentinel monitor group 127.0.0.1 " + std::to_string(master.port()) + " 2",
                                     "sentinel down-after-milliseconds group 500", "sentinel failover-timeout group 3000"};
      if (!sentinel_line.empty()) watch.push_back(sentinel_line);
      sentinels.push_back(std::make_unique<Process>(watch, Process::Kind::sentinel));
    }
  }
  Target target() const {
    Target target{.kind = Target::Kind::sentinel, .master = "group"};
    for (const auto& sentinel : sentinels) target.endpoints.push_back(sentinel->endpoint());
    return target;
  }
  /// The Sentinels know the replica and each other.
  bool ready() const {
    for (const auto& sentinel : sentinels) {
      if (sentinel->ask({"SENTINEL", "REPLICAS", "group"}).items().empty()) return false;
      if (sentinel->ask({"SENTINEL", "SENTINELS", "group"}).items().size() != 2) return false;
    }
    return follows();
  }
  bool follows() const {
    return replica->ask({"INFO", "replication"}).text().find("master_link_status:up") != std::string::npos;
  }

  Process master;
  std::optional<Process> replica;
  std::vector<std::unique_ptr<Process>> sentinels;
};

}  // namespace

TEST_SUITE("redis::Client with Sentinels") {
  TEST_CASE("the master is found, and another one followed when it hangs") {
    Group group;
    ClientFixture f(group.target());
    CHECK(f.text({"SET", "k", "v"}) == "OK");
    CHECK(group.master.ask({"GET", "k"}).text() == "v");
    REQUIRE(f.turn(Milliseconds{30'000}, [&] { return group.ready(); }));
    group.master.stop();
    CHECK(f.turn(Milliseconds{30'000}, [&] { return f.command({"SET", "k", "w"}).has_value(); }));
    CHECK(group.replica->ask({"GET", "k"}).text() == "w");
    group.master.go_on();
  }

  TEST_CASE("a master that is told to step down is left") {
    Group group;
    ClientFixture f(group.target());
    CHECK(f.text({"SET", "k", "v"}) == "OK");
    REQUIRE(f.turn(Milliseconds{30'000}, [&] { return group.ready(); }));
    group.sentinels[0]->ask({"SENTINEL", "FAILOVER", "group"});
    CHECK(f.turn(Milliseconds{30'000}, [&] {
      static_cast<void>(f.command({"SET", "k", "w"}));
      return group.replica->ask({"GET", "k"}).text() == "w";
    }));
  }

  TEST_CASE("Sentinels that are away are passed over, and one that knows no such master says so") {
    Group group;
    Target target = group.target();
    target.endpoints.insert(target.endpoints.begin(), {"127.0.0.1", free_port()});
    ClientFixture f(target);
    CHECK(f.text({"PING"}) == "PONG");
    target.master = "other";
    ClientFixture g(target);
    CHECK(g.text({"PING"}).find("knows no such master") != std::string::npos);
  }

  TEST_CASE("Sentinels have a password of their own") {
    Group group({}, "requirepass watch");
    Target target = group.target();
    target.sentinel_credentials.password = "watch";
    ClientFixture f(target);
    CHECK(f.text({"PING"}) == "PONG");
    target.sentinel_credentials.password = "wrong";
    ClientFixture g(target);
    CHECK(g.text({"PING"}).find("WRONGPASS") != std::string::npos);
  }
}

TEST_CASE("a message of a Sentinel names the new master of a group") {
  const Target target{.kind = Target::Kind::sentinel, .master = "group"};
  CHECK(switched_master(target, "group 10.0.0.1 6379 10.0.0.2 6380") == net::Endpoint{"10.0.0.2", 6380});
  CHECK_FALSE(switched_master(target, "other 10.0.0.1 6379 10.0.0.2 6380"));
  CHECK_FALSE(switched_master(target, "group 10.0.0.1 6379 10.0.0.2"));
  CHECK_FALSE(switched_master(target, ""));
}

}  // namespace nacre::redis
