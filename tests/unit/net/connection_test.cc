#include "net/connection.h"

#include <doctest/doctest.h>

#include <deque>
#include <optional>

#include "fiber/manual_reactor.h"
#include "net/lines.h"

namespace nacre::net {

namespace {

/// A connection on a socket of the test's, in a loop that the test drives.
struct Fixture {
  explicit Fixture(ConnectionOptions options = {}) : connection(reactor, threads, nullptr, options) {
    connection.open(std::move(wire.ours));
    connection.on_change = [this] { ++changes; };
  }
  ~Fixture() { scheduler.cancel_all(); }

  /// One command on a fiber of its own; its outcome is `outcomes[i]`.
  std::size_t ask(std::string text, Milliseconds within = Milliseconds{60'000}) {
    const std::size_t i = outcomes.size();
    outcomes.emplace_back();
    auto body = [this, i, text = std::move(text)] {
      LineConnection::Call call(connection, [&](std::string& out) { out.append(text).append("\n"); });
      auto reply = call.wait();
      outcomes[i] = {reply ? *reply : reply.error().internal, reply ? std::nullopt : std::optional(reply.error().error),
                     call.sent()};
    };
    fibers.push_back(*scheduler.start(reactor.now() + within, std::move(body)));
    return i;
  }
  void say(std::string_view text) {
    wire.say(text);
    reactor.poll();
  }
  std::string received() {
    reactor.run();
    return wire.received();
  }

  struct Outcome {
    std::string text = "none yet";
    std::optional<Error> error{};
    bool sent = false;
  };

  ManualReactor reactor;
  fiber::Scheduler scheduler{reactor};
  Threads threads{reactor, 1};
  Pair wire;
  LineConnection connection;
  std::deque<Outcome> outcomes;
  std::vector<fiber::Fiber*> fibers;
  int changes = 0;
};

}  // namespace

TEST_SUITE("net::Connection") {
  TEST_CASE("the commands of one turn go out together, and replies come in their order") {
    Fixture f;
    for (const char* text : {"a", "b", "c"}) f.ask(text);
    CHECK(f.wire.received().empty());
    CHECK(f.connection.depth() == 3);
    CHECK(f.received() == "a\nb\nc\n");
    f.say("1\n2\n3\n");
    CHECK(f.outcomes[0].text == "1");
    CHECK(f.outcomes[1].text == "2");
    CHECK(f.outcomes[2].text == "3");
    CHECK(f.connection.depth() == 0);
    CHECK(f.scheduler.running() == 0);
  }

  TEST_CASE("several calls of one fiber go out together") {
    Fixture f;
    std::string replies;
    f.scheduler.start(f.reactor.now() + Milliseconds{1000}, [&] {
      LineConnection::Call one(f.connection, [](std::string& out) { out += "one\n"; });
      LineConnection::Call two(f.connection, [](std::string& out) { out += "two\n"; });
      replies = *one.wait() + *two.wait();
    });
    CHECK(f.received() == "one\ntwo\n");
    f.say("1\n2\n");
    CHECK(replies == "12");
  }

  TEST_CASE("replies may be cut at every byte") {
    const std::string replies = "first\nsecond\n*message\nthird\n";
    for (std::size_t cut = 0; cut <= replies.size(); ++cut) {
      CAPTURE(cut);
      Fixture f;
      for (const char* text : {"a", "b", "c"}) f.ask(text);
      f.reactor.run();
      f.say(replies.substr(0, cut));
      f.say(replies.substr(cut));
      CHECK(f.outcomes[0].text == "first");
      CHECK(f.outcomes[1].text == "second");
      CHECK(f.outcomes[2].text == "third");
      CHECK(f.connection.codec().messages == std::vector<std::string>{"*message"});
    }
  }

  TEST_CASE("a waiter that gives up leaves its place, and the connection stays good") {
    Fixture f;
    f.ask("a");
    f.ask("late", Milliseconds{10});
    f.ask("gone");
    f.ask("d");
    f.reactor.advance(Milliseconds{10});
    fiber::cancel(*f.fibers[2]);
    CHECK(f.outcomes[1].error == Error::deadline);
    CHECK(f.outcomes[2].error == Error::cancelled);
    CHECK(f.connection.depth() == 4);
    f.say("1\n2\n3\n4\n");
    CHECK(f.outcomes[0].text == "1");
    CHECK(f.outcomes[1].text.empty());
    CHECK(f.outcomes[3].text == "4");
    CHECK(f.connection.state() == LineConnection::State::open);
    CHECK(f.connection.depth() == 0);
  }

  TEST_CASE("the last reply that is due tells when nobody waits for it any more, and no other does") {
    Fixture f;
    int quiet = 0;
    f.connection.on_quiet = [&] { ++quiet; };
    f.ask("a");
    CHECK(f.received() == "a\n");
    f.say("1\n");
    CHECK(quiet == 0);
    f.ask("b", Milliseconds{10});
    f.ask("c", Milliseconds{10});
    CHECK(f.received() == "b\nc\n");
    f.reactor.advance(Milliseconds{20});
    f.say("2\n");
    CHECK(quiet == 0);
    f.say("3\n");
    CHECK(quiet == 1);
    f.ask("d");
    f.received();
    f.say("4\n");
    CHECK(quiet == 1);
  }

  TEST_CASE("a wait is foretold by the pace of the replies, not by the way there and back") {
    Fixture f;
    for (int i = 0; i < 3; ++i) {  // one at a time, from afar
      f.ask("a");
      f.received();
      f.reactor.advance(Milliseconds{100});
      f.say("1\n");
    }
    for (int i = 0; i < 40; ++i) f.ask("b");
    f.received();
    CHECK(f.connection.expected_wait() == Milliseconds{0});
    f.reactor.advance(Milliseconds{100});
    f.say("1\n");
    CHECK(f.connection.expected_wait() == Milliseconds{0});
    f.reactor.advance(Milliseconds{50});
    f.say("1\n");
    CHECK(f.connection.expected_wait() == Milliseconds{38 * 50});
    for (int i = 0; i < 20; ++i) f.say("1\n");
    CHECK(f.connection.depth() == 18);
    CHECK(f.connection.expected_wait() < Milliseconds{18 * 50});
    f.say("1\n1\n1\n1\n1\n1\n1\n1\n1\n1\n1\n1\n1\n1\n1\n1\n1\n1\n");
    CHECK(f.connection.expected_wait() == Milliseconds{0});
  }

  TEST_CASE("nobody waits for what is sent, and its reply is dropped") {
    Fixture f;
    REQUIRE(f.connection.send([](std::string& out) { out += "note\n"; }));
    f.ask("a");
    CHECK(f.received() == "note\na\n");
    f.say("ok\n1\n");
    CHECK(f.outcomes[0].text == "1");
  }

  TEST_CASE("a break fails all that waits, and says what was sent") {
    Fixture f;
    f.ask("sent");
    CHECK(f.received() == "sent\n");
    f.ask("not sent");
    f.wire.peer.close();
    f.reactor.poll();
    CHECK(f.outcomes[0].error == Error::unavailable);
    CHECK(f.outcomes[0].text == "closed by the peer");
    CHECK(f.outcomes[0].sent);
    CHECK(f.outcomes[1].error == Error::unavailable);
    CHECK_FALSE(f.outcomes[1].sent);
    CHECK(f.connection.state() == LineConnection::State::closed);
    CHECK(f.changes == 1);
    f.ask("too late");
    CHECK(f.outcomes[2].error == Error::unavailable);
    CHECK_FALSE(f.outcomes[2].sent);
  }

  TEST_CASE("bytes that are none of the protocol's break the connection") {
    SUBCASE("bad bytes") {
      Fixture f;
      f.ask("a");
      f.reactor.run();
      f.say("!\n");
      CHECK(f.outcomes[0].text == "the peer broke the protocol");
      CHECK(f.connection.state() == LineConnection::State::closed);
    }
    SUBCASE("a reply to no command") {
      Fixture f;
      f.ask("a");
      f.reactor.run();
      f.say("1\n2\n");
      CHECK(f.outcomes[0].text == "1");
      CHECK(f.connection.state() == LineConnection::State::closed);
    }
  }

  TEST_CASE("too many commands are refused at once") {
    Fixture f({.depth = 2});
    f.ask("a");
    f.ask("b");
    f.ask("c");
    CHECK(f.outcomes[2].error == Error::overloaded);
    f.reactor.run();
    f.say("1\n");
    f.ask("d");
    CHECK(f.connection.depth() == 2);
    f.say("2\n");
    f.say("4\n");
    CHECK(f.outcomes[3].text == "4");
  }

  TEST_CASE("the order of places survives any depth") {
    Fixture f;
    std::string replies;
    int next = 0;
    for (int round = 0; round < 40; ++round) {
      for (int i = 0; i < 17; ++i) f.ask("x");
      f.reactor.run();
      replies.clear();
      for (int i = 0; i < 11; ++i) replies += std::to_string(next++) + "\n";
      f.say(replies);
    }
    for (; next < 40 * 17; ++next) f.say(std::to_string(next) + "\n");
    for (int i = 0; i < 40 * 17; ++i) CHECK(f.outcomes[static_cast<std::size_t>(i)].text == std::to_string(i));
  }

  TEST_CASE("a peer that takes nothing more bounds the output; it goes on when there is room") {
    Fixture f({.backlog = 4UL << 20});
    const std::string large(1 << 20, 'x');
    int accepted = 0;
    for (; accepted < 100; ++accepted) {
      f.ask(large);
      f.reactor.run();
      if (f.outcomes.back().error) break;
    }
    CHECK(f.outcomes.back().error == Error::overloaded);
    CHECK(accepted >= 4);
    CHECK(accepted <= 7);
    std::size_t bytes = 0;
    for (bool more = true; more;) {
      const std::size_t got = f.wire.received().size();
      bytes += got;
      more = f.reactor.poll() || got > 0;
    }
    CHECK(bytes == static_cast<std::size_t>(accepted) * (large.size() + 1));
    for (int i = 0; i < accepted; ++i) f.say(std::to_string(i) + "\n");
    CHECK(f.outcomes[static_cast<std::size_t>(accepted - 1)].text == std::to_string(accepted - 1));
  }

  TEST_CASE("a peer that is silent while a reply is due counts as dead") {
    Fixture f({.silence = Milliseconds{100}});
    f.reactor.advance(Milliseconds{1000});
    f.ask("a");
    f.reactor.advance(Milliseconds{90});
    CHECK(f.connection.silent_for() == Milliseconds{90});
    f.say("1");
    f.reactor.advance(Milliseconds{90});
    CHECK(f.connection.state() == LineConnection::State::open);
    f.reactor.advance(Milliseconds{10});
    CHECK(f.outcomes[0].error == Error::unavailable);
    CHECK(f.outcomes[0].text == "silent for 100 ms");
  }

  TEST_CASE("silence is nothing when no reply is due") {
    Fixture f({.silence = Milliseconds{100}});
    f.ask("a");
    f.reactor.run();
    f.say("1\n");
    f.reactor.advance(Milliseconds{10'000});
    CHECK(f.connection.state() == LineConnection::State::open);
    f.ask("b");
    f.reactor.advance(Milliseconds{99});
    f.say("2\n");
    CHECK(f.outcomes[1].text == "2");
  }

  TEST_CASE("a flood of bytes leaves the loop its other work") {
    Fixture f;
    const std::string flood = "*" + std::string(1 << 20, 'x');
    const int large = 4 << 20;
    ::setsockopt(f.wire.peer.fd(), SOL_SOCKET, SO_SNDBUFFORCE, &large, sizeof(large));
    std::size_t sent = f.wire.peer.write(flood).bytes;
    bool other = false;
    Task task([&] { other = true; });
    f.reactor.post(task);
    f.reactor.poll();
    CHECK(other);
    while (sent < flood.size()) {
      sent += f.wire.peer.write(std::string_view(flood).substr(sent)).bytes;
      f.reactor.poll();
    }
    f.say("\n");
    CHECK(f.connection.codec().messages.size() == 1);
  }

  TEST_CASE("closing fails what waits; the calls may outlive the connection") {
    ManualReactor reactor;
    fiber::Scheduler scheduler(reactor);
    Threads threads(reactor, 1);
    Pair wire;
    std::optional<Error> error;
    bool sent = true;
    auto connection = std::make_unique<LineConnection>(reactor, threads, nullptr, ConnectionOptions{});
    connection->open(std::move(wire.ours));
    scheduler.start(reactor.now() + Milliseconds{1000}, [&] {
      LineConnection::Call call(*connection, [](std::string& out) { out += "a\n"; });
      error = call.wait().error().error;
      sent = call.sent();
    });
    connection.reset();
    reactor.run();
    CHECK(error == Error::unavailable);
    CHECK_FALSE(sent);
  }

  TEST_CASE("a command that can't be encoded leaves nothing behind") {
    Fixture f;
    CHECK_THROWS(f.connection.send([](std::string& out) {
      out += "half";
      throw std::bad_alloc();
    }));
    f.ask("a");
    CHECK(f.received() == "a\n");
  }
}

}  // namespace nacre::net
