#include "mongo/pool.h"

#include <doctest/doctest.h>

#include <atomic>
#include <cstdlib>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "mongo/talk.h"

namespace nacre::mongo {
namespace {

/// Takes a while for each command, on its connection's thread.
ScriptedServer::Answers slowly(Milliseconds takes) {
  return [takes](const Asked& /*asked*/) {
    std::this_thread::sleep_for(takes);
    return std::optional(ok());
  };
}

std::set<int> connections_of(const std::vector<Asked>& asked) {
  std::set<int> connections;
  for (const Asked& one : asked) connections.insert(one.connection);
  return connections;
}

std::vector<std::function<void()>> times(int count, const std::function<void()>& body) {
  return std::vector<std::function<void()>>(static_cast<std::size_t>(count), body);
}

}  // namespace

TEST_CASE("commands that may take long hold a connection each, and look-ups share few") {
  const ScriptedServer server(slowly(Milliseconds{200}));
  Talk talk(server, "maxConnecting=4");
  talk.run_together(times(12, [&] { CHECK(talk.write().has_value()); }));
  CHECK(connections_of(server.asked()).size() > 4);
  const std::size_t before = server.asked().size();
  talk.run_together(times(40, [&] { CHECK(talk.read(Use::shared).has_value()); }));
  auto asked = server.asked();
  asked.erase(asked.begin(), asked.begin() + static_cast<std::ptrdiff_t>(before));
  CHECK(connections_of(asked).size() <= 4);
}

TEST_CASE("a look-up waits for no command that takes long") {
  std::atomic<bool> goes_on = false;
  const ScriptedServer server([&](const Asked& asked) -> std::optional<std::string> {
    while (asked.name == "slow" && !goes_on) std::this_thread::sleep_for(Milliseconds{1});
    return ok();
  });
  Talk talk(server, "maxPoolSize=3&maxConnecting=4");
  auto bodies = times(6, [&] { CHECK(talk.call("slow").has_value()); });
  bodies.emplace_back([&] {
    for (int i = 0; i < 20; ++i) CHECK(talk.read(Use::shared).has_value());
    goes_on = true;
  });
  talk.run_together(bodies);
  CHECK(server.asked().size() == 26);
}

TEST_CASE("connections go to those who asked first, and are no more than maxPoolSize") {
  const ScriptedServer server(slowly(Milliseconds{20}));
  Talk talk(server, "maxPoolSize=2");
  std::vector<int> ended;
  std::vector<std::function<void()>> bodies;
  for (int i = 0; i < 12; ++i) {
    bodies.emplace_back([&, i] {
      CHECK(talk.call("command" + std::to_string(i)).has_value());
      ended.push_back(i);
    });
  }
  talk.run_together(bodies);
  REQUIRE(ended.size() == 12);
  for (int i = 0; i < 12; ++i) CHECK(std::abs(ended[static_cast<std::size_t>(i)] - i) <= 1);  // two at once
  CHECK(connections_of(server.asked()).size() <= 2);
}

TEST_CASE(
    "what gives up while it waits for a connection is never sent, and what was sent keeps its connection until the reply") {
  const ScriptedServer server([](const Asked& asked) -> std::optional<std::string> {
    if (asked.name == "slow") std::this_thread::sleep_for(Milliseconds{900});
    return ok();
  });
  Talk talk(server, "maxPoolSize=1");
  talk.run(Milliseconds{20'000}, [&] { REQUIRE(talk.read().has_value()); });
  const auto gives_up = [&](std::string_view name, Error error) {
    const fiber::TimeLimit limit(Milliseconds{200});
    const auto answer = talk.call(name);
    REQUIRE_FALSE(answer.has_value());
    CHECK(answer.error().error == error);
  };
  talk.run(Milliseconds{20'000}, [&] {
    gives_up("slow", Error::deadline);
    gives_up("unsent", Error::overloaded);
    CHECK(talk.client->usage().busy == 1);
    CHECK(talk.call("last").has_value());
  });
  const auto asked = server.asked();
  REQUIRE(asked.size() == 3);
  CHECK(asked[1].name == "slow");
  CHECK(asked[2].name == "last");
  CHECK(connections_of(asked).size() == 1);
}

TEST_CASE("a write that nobody waits for any more is not begun, and one that was begun is ended") {
  std::atomic<int> inserts = 0;
  const ScriptedServer server([&](const Asked& asked) -> std::optional<std::string> {
    if (asked.name == "slow") std::this_thread::sleep_for(Milliseconds{200});
    if (asked.name == "insert" && inserts++ == 0) return std::nullopt;
    return ok();
  });
  Talk talk(server, "maxPoolSize=1");
  Demand begun{.until = talk.reactor.now() + Milliseconds{20'000}};
  Demand waiting = begun;
  const std::vector<std::function<void()>> bodies{
      [&] { CHECK(talk.call("slow").has_value()); },
      [&] {
        const auto answer = talk.write(waiting);
        REQUIRE_FALSE(answer.has_value());
        CHECK(answer.error().error == Error::cancelled);
      },
      [&] { waiting.over = true; },
  };
  talk.run_together(bodies);
  CHECK(inserts == 0);
  const std::vector<std::function<void()>> again{
      [&] { CHECK(talk.write(begun).has_value()); },
      [&] {
        while (inserts == 0) REQUIRE(fiber::sleep(Milliseconds{1}).has_value());
        begun.over = true;
      },
  };
  talk.run_together(again);
  CHECK(inserts == 2);
}

TEST_CASE("waiting for a connection ends after waitQueueTimeoutMS") {
  const ScriptedServer server(slowly(Milliseconds{500}));
  Talk talk(server, "maxPoolSize=1&waitQueueTimeoutMS=100");
  std::vector<Error> failed;
  talk.run_together(times(4, [&] {
    if (const auto answer = talk.call("slow"); !answer) failed.push_back(answer.error().error);
  }));
  CHECK(failed == std::vector<Error>(3, Error::overloaded));
}

TEST_CASE("connections that nobody used for maxIdleTimeMS are closed down to minPoolSize") {
  const ScriptedServer server(slowly(Milliseconds{300}));
  Talk talk(server, "minPoolSize=2&maxIdleTimeMS=200&maxConnecting=6");
  talk.run_together(times(6, [&] { CHECK(talk.call("slow").has_value()); }));
  const auto open = [&] { return talk.client->usage().idle + talk.client->usage().busy; };
  CHECK(open() > 4);
  talk.run(Milliseconds{10'000}, [&] {
    while (open() > 2 + 1 && fiber::sleep(Milliseconds{10})) {
    }
    CHECK(open() == 2 + 1);  // and the one that look-ups share
    REQUIRE(fiber::sleep(Milliseconds{500}).has_value());
    CHECK(open() == 2 + 1);
  });
}

TEST_CASE("a connection that broke takes the next command again, and others are not touched") {
  std::atomic<int> cut = 0;
  const ScriptedServer server([&](const Asked& asked) -> std::optional<std::string> {
    if (asked.name == "cut" && cut++ < 3) return std::nullopt;
    return ok();
  });
  Talk talk(server, "maxPoolSize=2");
  talk.run(Milliseconds{10'000}, [&] {
    CHECK(talk.call("cut").has_value());
    CHECK(talk.read(Use::shared).has_value());
  });
  CHECK(server.asked().size() == 5);
}

}  // namespace nacre::mongo
