#include "redis/cluster.h"

#include <doctest/doctest.h>

#include <array>
#include <thread>

#include "redis/client_fixture.h"

namespace nacre::redis {

namespace {

/// Three masters with a third of the slots each, and a replica of the first, if asked for.
struct Nodes {
  explicit Nodes(bool with_replica = false) {
    for (int i = 0; i < (with_replica ? 4 : 3); ++i) {
      all.push_back(std::make_unique<Process>(
          std::vector<std::string>{"cluster-enabled yes", "cluster-node-timeout 500", "cluster-require-full-coverage no"}));
    }
    for (std::size_t i = 0; i < 3; ++i) {
      const auto first = std::to_string(i * 5461);
      const auto last = std::to_string(std::min<std::size_t>(i * 5461 + 5460, kSlots - 1));
      all[i]->ask({"CLUSTER", "ADDSLOTSRANGE", first, last});
    }
    for (std::size_t i = 1; i < all.size(); ++i) {
      all[0]->ask({"CLUSTER", "MEET", "127.0.0.1", std::to_string(all[i]->port())});
    }
  }
  bool ready() const {
    for (const auto& node : all) {
      if (node->ask({"CLUSTER", "SLOTS"}).items().size() != 3) return false;
      if (node->ask({"CLUSTER", "INFO"}).text().find("cluster_state:ok") == std::string::npos) return false;
    }
    return true;
  }
  std::string id(std::size_t node) const { return all[node]->ask({"CLUSTER", "MYID"}).text(); }
  Target target() const {
    Target target{.kind = Target::Kind::cluster};
    for (const auto& node : all) target.endpoints.push_back(node->endpoint());
    return target;
  }
  void wait() const {
    for (int i = 0; i < 1000 && !ready(); ++i) std::this_thread::sleep_for(Milliseconds{20});
    REQUIRE(ready());
  }

  std::vector<std::unique_ptr<Process>> all;
};

}  // namespace

TEST_SUITE("redis::Client with a cluster") {
  TEST_CASE("commands go to the master of their key; scripts and pipelines too") {
    Nodes nodes;
    nodes.wait();
    Target target = nodes.target();
    target.endpoints = {{"127.0.0.1", free_port()}, target.endpoints[1]};  // the first one is away
    ClientFixture f(target);
    for (int i = 0; i < 30; ++i) CHECK(f.text({"SET", "k" + std::to_string(i), std::to_string(i)}) == "OK");
    for (int i = 0; i < 30; ++i) CHECK(f.text({"GET", "k" + std::to_string(i)}) == std::to_string(i));
    std::int64_t keys = 0;
    for (const auto& node : nodes.all) {
      const auto own = node->ask({"DBSIZE"}).number();
      CHECK(own > 0);
      keys += own;
    }
    CHECK(keys == 30);
    f.loop.run([&] {
      std::vector<std::string> names;
      for (int i = 0; i < 30; ++i) names.push_back("k" + std::to_string(i));
      std::vector<std::array<std::string_view, 2>> words;
      for (const std::string& name : names) words.push_back({"GET", name});
      const std::vector<Words> all(words.begin(), words.end());
      const auto replies = f.client.commands(all);
      for (std::size_t i = 0; i < replies.size(); ++i) CHECK(replies[i]->text() == std::to_string(i));
      const Script script("return redis.call('GET', KEYS[1])");
      for (const std::string& name : names) CHECK("k" + f.client.run(script, {name}, {})->text() == name);
      CHECK(f.client.command({"MGET", "k1", "k2"}).error().internal.find("CROSSSLOT") != std::string::npos);
      CHECK(f.client.ping().has_value());
    });
    CHECK(f.log.empty());
  }

  TEST_CASE("messages reach listeners at any node") {
    Nodes nodes;
    nodes.wait();
    ClientFixture f(nodes.target());
    std::vector<std::string> heard;
    bool on = false;
    f.client.listen({.channels = {"news"},
                     .on_message = [&](std::string_view, std::string_view message) { heard.emplace_back(message); },
                     .on_heard = [&](bool now) { on = now; }});
    REQUIRE(f.turn(Milliseconds{30'000}, [&] { return on; }));
    for (const auto& node : nodes.all) node->ask({"PUBLISH", "news", "x"});
    CHECK(f.turn(Milliseconds{30'000}, [&] { return heard.size() == 3; }));
  }

  TEST_CASE("a slot that moves is asked for at both masters, and then at the new one") {
    Nodes nodes;
    nodes.wait();
    ClientFixture f(nodes.target());
    const std::string_view key = "{foo}1";  // slot 12182, of the third master
    const std::string slot = "12182";
    for (const auto* name : {"{foo}1", "{foo}2"}) CHECK(f.text({"SET", name, "v"}) == "OK");
    const Process& from = *nodes.all[2];
    const Process& to = *nodes.all[0];
    to.ask({"CLUSTER", "SETSLOT", slot, "IMPORTING", nodes.id(2)});
    from.ask({"CLUSTER", "SETSLOT", slot, "MIGRATING", nodes.id(0)});
    const auto migrate = [&](std::string_view name) {
      return from.ask({"MIGRATE", "127.0.0.1", std::to_string(to.port()), name, "0", "1000"}).text();
    };
    CHECK(migrate(key) == "OK");
    CHECK(f.text({"GET", key}) == "v");  // ASK
    CHECK(f.text({"GET", "{foo}2"}) == "v");
    CHECK(f.text({"SET", "{foo}3", "new"}) == "OK");
    Result<Reply> both = Reply();
    f.loop.run([&] { both = f.client.command({"MGET", key, "{foo}2"}); });  // TRYAGAIN, until the timeout
    CHECK(both.error().error == Error::unavailable);
    CHECK(migrate("{foo}2") == "OK");
    f.loop.run([&] { both = f.client.command({"MGET", key, "{foo}2"}); });
    CHECK(both->items().size() == 2);
    for (const Process* node : {&to, &from}) node->ask({"CLUSTER", "SETSLOT", slot, "NODE", nodes.id(0)});
    for (int i = 0; i < 10; ++i) CHECK(f.text({"GET", key}) == "v");  // MOVED
    CHECK(to.ask({"GET", "{foo}3"}).text() == "new");
  }

  TEST_CASE("a master that dies leaves the others serving, until its replica takes its place") {
    Nodes nodes(true);
    nodes.wait();
    const Process& replica = *nodes.all[3];
    replica.ask({"CLUSTER", "REPLICATE", nodes.id(0)});
    ClientFixture f(nodes.target());
    std::string own;
    std::string other;
    for (int i = 0; own.empty() || other.empty(); ++i) {
      const std::string key = std::to_string(i);
      (slot_of(key) < 5461 ? own : other) = key;
    }
    CHECK(f.text({"SET", own, "v"}) == "OK");
    REQUIRE(f.turn(Milliseconds{30'000}, [&] {
      return replica.ask({"INFO", "replication"}).text().find("master_link_status:up") != std::string::npos &&
             replica.ask({"DBSIZE"}).number() == 1;
    }));
    CHECK(f.text({"SET", other, "w"}) == "OK");
    nodes.all[0]->kill();
    CHECK(f.text({"GET", other}) == "w");
    CHECK(f.turn(Milliseconds{30'000}, [&] {
      CHECK(f.text({"GET", other}) == "w");
      return f.text({"GET", own}) == "v";
    }));
    CHECK(f.text({"SET", own, "x"}) == "OK");
  }

  TEST_CASE("a server that is none of a cluster says so") {
    Process server;
    Target target{.kind = Target::Kind::cluster, .endpoints = {server.endpoint()}};
    ClientFixture f(target);
    CHECK(f.text({"PING"}).find("cluster support disabled") != std::string::npos);
    CHECK_FALSE(f.client.available());
    const auto connections = [&] {
      const std::string stats = server.ask({"INFO", "stats"}).text();
      const std::string_view name = "total_connections_received:";
      return std::stoi(stats.substr(stats.find(name) + name.size()));
    };
    const int before = connections();
    f.turn(Milliseconds{3'000}, [] { return false; });
    CHECK(connections() - before <= 7);  // one of them is the test's
  }
}

}  // namespace nacre::redis
