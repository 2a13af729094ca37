#include <doctest/doctest.h>

#include <atomic>
#include <thread>

#include "net/listener.h"
#include "redis/client_fixture.h"

namespace nacre::redis {

namespace {

struct Answer {
  Answer(std::string t, bool c = false) : text(std::move(t)), closes(c) {}  // NOLINT(google-explicit-constructor)
  Answer(const char* t) : text(t) {}                                        // NOLINT(google-explicit-constructor)
  std::string text;
  bool closes = false;
};

/// A server that answers each command as a test says.
class Scripted {
 public:
  explicit Scripted(std::function<Answer(const std::string& command)> answer)
      : answer_(std::move(answer)), listener_([this](net::Listener::Client& client) { serve(client); }) {}

  Target target() const { return server_at(listener_.endpoint()); }
  int accepted() const { return listener_.accepted(); }

 private:
  void serve(net::Listener::Client& client) {
    for (std::string command; !(command = client.read()).empty();) {
      const Answer answer = answer_(command);
      if (!client.write(answer.text) || answer.closes) return;
    }
  }

  std::function<Answer(const std::string&)> answer_;
  net::Listener listener_;
};

bool is(const std::string& command, std::string_view name) { return command.find(name) != std::string::npos; }

/// What opens each conversation.
bool opens(const std::string& command) { return is(command, "PING") || is(command, "nacre:handshake"); }

}  // namespace

TEST_SUITE("redis::Client with a server that misbehaves") {
  TEST_CASE("a connection that is cut at any byte of a reply fails the command; the next one is served") {
    const std::string reply = "$5\r\nhello\r\n";
    std::atomic<std::size_t> cut = 0;
    std::atomic<bool> cuts = true;
    Scripted server([&](const std::string& command) -> Answer {
      if (opens(command)) return {"+PONG\r\n"};
      return cuts ? Answer{reply.substr(0, cut), true} : Answer{reply};
    });
    ClientFixture f(server.target());
    for (; cut < reply.size(); ++cut) {
      CAPTURE(cut.load());
      cuts = true;
      CHECK(f.command({"GET", "k"}).error().error == Error::unavailable);
      cuts = false;
      CHECK(f.turn(Milliseconds{30'000}, [&] { return f.text({"GET", "k"}) == "hello"; }));
    }
  }

  TEST_CASE("bytes that are no Redis, at the beginning and later") {
    Scripted http([](const std::string&) { return "HTTP/1.1 400 Bad Request\r\n\r\n"; });
    ClientFixture f(http.target());
    CHECK(f.text({"PING"}).find("PING: this is no Redis") != std::string::npos);
    Scripted later([](const std::string& command) { return opens(command) ? "+PONG\r\n" : "<html>\r\n"; });
    ClientFixture g(later.target());
    CHECK(g.text({"GET", "k"}) == "failed: the peer broke the protocol");
    Scripted more([](const std::string& command) { return opens(command) ? "+PONG\r\n" : "+OK\r\n+OK\r\n"; });
    ClientFixture h(more.target());
    CHECK(h.text({"GET", "k"}) == "OK");
    CHECK(h.turn(Milliseconds{30'000}, [&] { return more.accepted() > 1; }));
  }

  TEST_CASE("a server that loads its data is waited for") {
    std::atomic<bool> loading = true;
    Scripted server([&](const std::string&) { return loading ? "-LOADING Redis is loading\r\n" : "+PONG\r\n"; });
    ClientFixture f(server.target());
    CHECK(f.text({"GET", "k"}).find("LOADING") != std::string::npos);
    CHECK_FALSE(f.client.available());
    loading = false;
    CHECK(f.turn(Milliseconds{30'000}, [&] { return f.client.available(); }));
  }

  TEST_CASE("a server that says why before it hangs up is quoted") {
    Scripted server([](const std::string&) { return Answer{"-ERR max number of clients reached\r\n", true}; });
    ClientFixture f(server.target());
    CHECK(f.text({"GET", "k"}).find("PING: ERR max number of clients reached") != std::string::npos);
    REQUIRE_FALSE(f.log.empty());
    CHECK(f.log[0].find("PING: ERR max number of clients reached") != std::string::npos);
  }

  TEST_CASE("a server that opens well and is of no use then is dialled ever more rarely") {
    for (const auto* useless : {"-READONLY You can't write against a read only replica.\r\n", "<html>\r\n"}) {
      CAPTURE(useless);
      Scripted server([&](const std::string& command) { return opens(command) ? "+PONG\r\n" : useless; });
      ClientFixture f(server.target());
      f.turn(Milliseconds{2'000}, [&] {
        static_cast<void>(f.command({"SET", "k", "v"}));
        return false;
      });
      CHECK(server.accepted() > 3);
      CHECK(server.accepted() < 25);  // the first pauses are shorter than 20, 40, 80, 160 ms, the others than 250 ms
    }
  }

  TEST_CASE("a server that takes no writes, or holds them up, is not there") {
    for (const auto* refusal : {"-READONLY You can't write against a read only replica.\r\n", ""}) {
      CAPTURE(refusal);
      std::atomic<bool> refuses = true;
      Scripted server([&](const std::string& command) -> Answer {
        return refuses && is(command, "nacre:handshake") ? refusal : "+PONG\r\n";
      });
      ClientFixture f(server.target(), Milliseconds{250});
      CHECK(f.turn(Milliseconds{30'000}, [&] { return !f.log.empty(); }));
      f.turn(Milliseconds{1'000});
      CHECK_FALSE(f.client.available());
      CHECK(f.log.size() == 1);
      refuses = false;
      CHECK(f.turn(Milliseconds{30'000}, [&] { return f.client.available(); }));
      CHECK(f.client.conversations() == 1);
      CHECK(f.log.size() == 2);
    }
  }

  TEST_CASE("a server that says nothing at the beginning holds up the first commands only") {
    std::atomic<bool> over = false;
    Scripted server([&](const std::string&) {
      while (!over) std::this_thread::sleep_for(Milliseconds{1});
      return "+PONG\r\n";
    });
    constexpr Milliseconds kTimeout{500};
    ClientFixture f(server.target(), kTimeout);
    CHECK(f.command({"GET", "k"}).error().error == Error::unavailable);
    const Monotonic asked = monotonic_now();
    CHECK(f.text({"GET", "k"}) == "failed: redis: connecting");
    CHECK(monotonic_now() - asked < kTimeout);
    CHECK(f.turn(Milliseconds{30'000}, [&] { return f.text({"GET", "k"}).find("PING: timed out") != std::string::npos; }));
    over = true;
  }

  TEST_CASE("a reply that comes too late is no other command's") {
    Scripted server([](const std::string& command) -> Answer {
      if (is(command, "late")) {
        std::this_thread::sleep_for(Milliseconds{1'000});
        return "+late\r\n";
      }
      return opens(command) ? "+PONG\r\n" : "+in time\r\n";
    });
    ClientFixture f(server.target(), Milliseconds{500});
    CHECK(f.text({"GET", "k"}) == "in time");
    CHECK(f.text({"GET", "late"}) == "failed: redis: no answer in time");
    CHECK(f.turn(Milliseconds{30'000}, [&] { return f.client.available(); }));
    CHECK(f.text({"GET", "k"}) == "in time");
    CHECK(server.accepted() == 1);
  }

  TEST_CASE("a server that became read-only is dialled anew") {
    std::atomic<bool> read_only = true;
    Scripted server([&](const std::string& command) {
      if (opens(command)) return "+PONG\r\n";
      return read_only.exchange(false) ? "-READONLY You can't write against a read only replica.\r\n" : "+OK\r\n";
    });
    ClientFixture f(server.target());
    const auto refused = f.command({"SET", "k", "v"});
    CHECK(refused.error().error == Error::unavailable);
    CHECK(refused.error().internal.starts_with("redis: READONLY"));
    CHECK(f.turn(Milliseconds{30'000}, [&] { return f.client.available(); }));
    CHECK(f.text({"SET", "k", "v"}) == "OK");
    CHECK(server.accepted() == 2);
  }

  TEST_CASE("an error that may pass is told from one that will not") {
    for (const auto* passing : {"LOADING x", "READONLY x", "MASTERDOWN x", "CLUSTERDOWN x", "OOM x", "MISCONF x", "BUSY x"}) {
      CHECK(failure_of(passing).error == Error::unavailable);
    }
    for (const auto* lasting : {"ERR x", "WRONGTYPE x", "NOPERM x", "READONLYX x"}) {
      CHECK(failure_of(lasting).error == Error::internal);
    }
  }
}

}  // namespace nacre::redis
