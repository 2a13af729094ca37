#include "redis/client.h"

#include <doctest/doctest.h>

#include <array>

#include "net/certificates.h"
#include "redis/client_fixture.h"

namespace nacre::redis {

TEST_SUITE("redis::Client with a redis-server") {
  TEST_CASE("the first command waits for the first connection") {
    Process server;
    ClientFixture f(server_at(server.endpoint()));
    CHECK(f.text({"SET", "k", "v"}) == "OK");
    CHECK(f.text({"GET", "k"}) == "v");
    CHECK(f.text({"INCRBY", "n", "41"}) == "41");
    CHECK(f.command({"GET", "none"})->is_nil());
    CHECK(f.succeeded == 4);
    CHECK(f.log.empty());
  }

  TEST_CASE("what the server refuses is internal, with its words") {
    Process server;
    ClientFixture f(server_at(server.endpoint()));
    const auto refused = f.command({"NONSENSE"});
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().error == Error::internal);
    CHECK(refused.error().detail.empty());
    CHECK(refused.error().internal.starts_with("redis: ERR unknown command"));
    CHECK(f.failed == 1);
    CHECK(f.text({"PING"}) == "PONG");
  }

  TEST_CASE("commands of one fiber and of many are pipelined") {
    Process server;
    ClientFixture f(server_at(server.endpoint()));
    f.loop.run([&] {
      const std::array<std::string_view, 3> set{"SET", "a", "1"};
      const std::array<std::string_view, 2> wrong{"LPUSH", "a"};
      const std::array<std::string_view, 2> get{"GET", "a"};
      const std::array<Words, 3> all{set, wrong, get};
      const auto replies = f.client.commands(all);
      REQUIRE(replies.size() == 3);
      CHECK(replies[0]->text() == "OK");
      CHECK(replies[1].error().error == Error::internal);
      CHECK(replies[2]->text() == "1");
    });
    int good = 0;
    for (int i = 0; i < 500; ++i) {
      f.loop.start([&, i] {
        const std::string n = std::to_string(i);
        const auto set = f.client.command({"SET", n, n});
        const auto get = f.client.command({"GET", n});
        good += set && get && get->text() == n ? 1 : 0;
      });
    }
    f.loop.finish();
    CHECK(good == 500);
  }

  TEST_CASE("scripts are sent whole once, and by name afterwards") {
    Process server;
    ClientFixture f(server_at(server.endpoint()));
    const Script script("return {KEYS[1], ARGV[1], tonumber(ARGV[2]) + 1}");
    CHECK(script.name().size() == 40);
    for (int i = 0; i < 2; ++i) {
      f.loop.run([&] {
        const auto reply = f.client.run(script, {"key"}, {"a", "1"});
        REQUIRE(reply.has_value());
        CHECK(*reply == Reply::array({Reply::string("key"), Reply::string("a"), Reply::integer(2)}));
      });
    }
    CHECK(server.ask({"SCRIPT", "EXISTS", script.name()}).items().at(0).number() == 1);
    CHECK(server.ask({"INFO", "commandstats"}).text().find("cmdstat_eval:calls=1,") != std::string::npos);
  }

  TEST_CASE("users, passwords and databases") {
    Process server({"requirepass secret", "user app on >pw ~* &* +@all"});
    Target target = server_at(server.endpoint());
    SUBCASE("the default user") {
      target.credentials = {"", "secret"};
      ClientFixture f(target);
      CHECK(f.text({"ACL", "WHOAMI"}) == "default");
    }
    SUBCASE("a user of the ACL, and a database") {
      target.credentials = {"app", "pw"};
      target.database = 5;
      ClientFixture f(target);
      CHECK(f.text({"ACL", "WHOAMI"}) == "app");
      CHECK(f.text({"CLIENT", "INFO"}).find(" db=5 ") != std::string::npos);
    }
    SUBCASE("a wrong password") {
      target.credentials = {"app", "hunter2"};
      ClientFixture f(target);
      CHECK(f.command({"PING"}).error().error == Error::unavailable);
      CHECK(f.text({"PING"}).find("AUTH: WRONGPASS") != std::string::npos);
      CHECK(f.text({"PING"}).find("hunter2") == std::string::npos);
      CHECK_FALSE(f.client.available());
      REQUIRE(f.log.size() == 1);
      CHECK(f.log[0].find("WRONGPASS") != std::string::npos);
    }
    SUBCASE("no password") {
      ClientFixture f(target);
      CHECK(f.text({"PING"}).find("NOAUTH") != std::string::npos);
    }
  }

  TEST_CASE("a Unix socket") {
    Process server({"unixsocket redis.sock"});
    ClientFixture f(server_at({(server.folder() / "redis.sock").string(), 0}));
    CHECK(f.text({"PING"}) == "PONG");
  }

  TEST_CASE("TLS, with a certificate of the client's own") {
    net::Authority authority;
    const std::string certificate = authority.issue("server", "DNS:localhost,IP:127.0.0.1");
    const std::string own = authority.issue("client", "");
    const std::uint16_t port = free_port();
    Process server({"tls-port " + std::to_string(port), "tls-cert-file " + certificate, "tls-key-file " + certificate,
                    "tls-ca-cert-file " + authority.file()});
    const std::string uri = "rediss://localhost:" + std::to_string(port) + "?ca_file=" + authority.file();
    ClientFixture f(*read_target(uri + "&cert_file=" + own, "/"));
    CHECK(f.text({"SET", "k", std::string(300'000, 'x')}) == "OK");
    CHECK(f.text({"GET", "k"}) == std::string(300'000, 'x'));
    ClientFixture without(*read_target(uri, "/"));
    CHECK(without.command({"PING"}).error().error == Error::unavailable);
    ClientFixture untrusting(*read_target("rediss://localhost:" + std::to_string(port), "/"));
    CHECK(untrusting.text({"PING"}).find("TLS: ") != std::string::npos);
  }

  TEST_CASE("killed and back: fails at once while it is away, and serves when it is back") {
    Process server;
    ClientFixture f(server_at(server.endpoint()));
    CHECK(f.text({"PING"}) == "PONG");
    server.kill();
    CHECK(f.turn(Milliseconds{30'000}, [&] { return !f.client.available(); }));
    const Monotonic asked = monotonic_now();
    for (int i = 0; i < 100; ++i) CHECK(f.command({"PING"}).error().error == Error::unavailable);
    CHECK(monotonic_now() - asked < Milliseconds{20'000});
    f.turn(Milliseconds{1'000});
    server.start();
    CHECK(f.turn(Milliseconds{30'000}, [&] { return f.client.available(); }));
    CHECK(f.text({"PING"}) == "PONG");
    REQUIRE(f.log.size() == 3);  // the end of the connection, that none can be made, and its return
    CHECK(f.log[1].find("Connection refused") != std::string::npos);
    CHECK(f.log[2] == "redis is back");
  }

  TEST_CASE("hung: the first commands wait for the timeout, the next ones fail at once, until it goes on") {
    for (const Milliseconds hung : {Milliseconds{400}, Milliseconds{2'500}}) {
      CAPTURE(hung.count());
      Process server;
      ClientFixture f(server_at(server.endpoint()), Milliseconds{250});
      CHECK(f.turn(Milliseconds{30'000}, [&] { return f.text({"PING"}) == "PONG"; }));
      server.stop();
      Monotonic asked = monotonic_now();
      const auto first = f.command({"INCR", "n"});
      CHECK(first.error().error == Error::unavailable);
      CHECK(monotonic_now() - asked >= Milliseconds{240});
      CHECK(monotonic_now() - asked < Milliseconds{10'000});
      asked = monotonic_now();
      for (int i = 0; i < 100; ++i) CHECK(f.command({"PING"}).error().error == Error::unavailable);
      CHECK(monotonic_now() - asked < Milliseconds{15'000});
      f.turn(hung);
      server.go_on();
      CHECK(f.turn(Milliseconds{30'000}, [&] { return f.text({"PING"}) == "PONG"; }));
    }
  }

  TEST_CASE("the request's own deadline is not Redis's fault") {
    Process server;
    ClientFixture f(server_at(server.endpoint()), Milliseconds{5'000});
    CHECK(f.text({"PING"}) == "PONG");
    Result<Reply> reply = Reply();
    f.loop.run([&] { reply = f.client.command({"BLPOP", "none", "1"}); }, Milliseconds{50});
    CHECK(reply.error().error == Error::deadline);
    f.turn(Milliseconds{1'200});
    CHECK(f.text({"PING"}) == "PONG");
  }

  TEST_CASE("a subscription that is refused is tried again ever more rarely, until it is granted") {
    Process server({"user app on >pw resetchannels ~* +@all -ping"});
    const auto connections = [&] {
      const std::string stats = server.ask({"INFO", "stats"}).text();
      constexpr std::string_view kName = "total_connections_received:";
      return std::stoi(stats.substr(stats.find(kName) + kName.size()));
    };
    Target target = server_at(server.endpoint());
    target.credentials = {"app", "pw"};
    ClientFixture f(target);
    std::vector<std::string> refused;
    std::vector<bool> heard;
    f.client.listen({.channels = {"news", "more"},
                     .on_message = [](std::string_view, std::string_view) {},
                     .on_heard = [&](bool on) { heard.push_back(on); },
                     .on_refused = [&](std::string_view words) { refused.emplace_back(words); }});
    REQUIRE(f.turn(Milliseconds{30'000}, [&] { return !refused.empty(); }));
    CHECK(refused.back().starts_with("NOPERM"));
    const int before = connections();
    f.turn(Milliseconds{3'000});
    CHECK(connections() - before < 16);
    CHECK(heard.empty());
    REQUIRE(f.log.size() == 1);
    CHECK(f.log[0].find("messages is away: SUBSCRIBE: NOPERM") != std::string::npos);
    server.ask({"ACL", "SETUSER", "app", "&*"});
    REQUIRE(f.turn(Milliseconds{30'000}, [&] { return !heard.empty(); }));
    CHECK(refused.back().empty());
    f.turn(Milliseconds{1'500});  // more than once as long as it waits for messages before it sends a PING, which is refused
    CHECK(heard == std::vector{true});
    server.ask({"ACL", "SETUSER", "app", "resetchannels"});
    REQUIRE(f.turn(Milliseconds{30'000}, [&] { return !refused.back().empty(); }));
    CHECK(f.log.back().find("SUBSCRIBE: NOPERM") != std::string::npos);
  }

  TEST_CASE("messages are heard; an interruption is told; sending needs no fiber") {
    Process server;
    ClientFixture f(server_at(server.endpoint()), Milliseconds{250});
    std::vector<std::string> heard;
    f.client.listen(
        {.channels = {"news", "more"},
         .on_message = [&](std::string_view channel,
                           std::string_view message) { heard.push_back(std::string(channel) + "=" + std::string(message)); },
         .on_heard = [&](bool on) { heard.emplace_back(on ? "on" : "off"); }});
    CHECK(f.turn(Milliseconds{30'000}, [&] { return !heard.empty(); }));
    CHECK(f.turn(Milliseconds{30'000}, [&] { return f.text({"PING"}) == "PONG"; }));
    CHECK(f.client.send({"PUBLISH", "news", "1"}).has_value());
    CHECK(f.text({"PUBLISH", "more", std::string_view("a\0b", 3)}) == "1");
    CHECK(f.turn(Milliseconds{30'000}, [&] { return heard.size() == 3; }));
    server.kill();
    CHECK(f.turn(Milliseconds{30'000}, [&] { return heard.size() == 4; }));
    server.start();
    CHECK(f.turn(Milliseconds{30'000}, [&] { return heard.size() == 5; }));
    CHECK(heard == std::vector<std::string>{"on", "news=1", std::string("more=a\0b", 8), "off", "on"});
    server.stop();
    CHECK(f.turn(Milliseconds{30'000}, [&] { return heard.size() == 6; }));
    server.go_on();
    CHECK(f.turn(Milliseconds{30'000}, [&] { return heard.size() == 7; }));
  }
}

}  // namespace nacre::redis
