#include <doctest/doctest.h>

#include <atomic>
#include <mutex>
#include <thread>

#include "fiber/manual_reactor.h"
#include "net/connection.h"
#include "net/lines.h"

namespace nacre::net {

namespace {

/// What a dialling thread gives: a socket whose other end is the test's, or a failure.
struct Exchange {
  Result<Socket> dial(const Patience& patience) {
    ++dialled;
    while (hangs && !patience.stop.stop_requested() && monotonic_now() < patience.until) {
      std::this_thread::sleep_for(Milliseconds{1});
    }
    if (hangs) return patience.ended();
    if (refuses) {
      Failure failure(Error::unavailable);
      failure.internal = "refused";
      return failure;
    }
    Pair wire;
    const std::lock_guard lock(mutex);
    peer = std::move(wire.peer);
    return std::move(wire.ours);
  }

  std::atomic<bool> refuses = false;
  std::atomic<bool> hangs = false;
  std::atomic<int> dialled = 0;
  std::mutex mutex;
  Socket peer;
};

struct Fixture {
  Fixture() {
    connection.on_change = [this] { states.push_back(connection.state()); };
  }
  /// Lets the dialling thread come back.
  void come_back() {
    while (connection.state() == LineConnection::State::connecting) reactor.poll(Milliseconds{1000});
  }
  /// Milliseconds until the next try.
  Milliseconds pause() {
    const Monotonic began = reactor.now();
    while (connection.state() == LineConnection::State::pausing) reactor.advance(Milliseconds{1});
    return reactor.now() - began;
  }

  ManualReactor reactor;
  Threads threads{reactor, 2};
  std::shared_ptr<Exchange> exchange = std::make_shared<Exchange>();
  LineConnection connection{reactor,
                            threads,
                            [exchange = exchange](const Patience& p) { return exchange->dial(p); },
                            {.first_pause = Milliseconds{64}, .longest_pause = Milliseconds{1000}}};
  std::vector<LineConnection::State> states;
};

using State = LineConnection::State;

}  // namespace

TEST_SUITE("net::Connection that dials") {
  TEST_CASE("pauses between tries double, with jitter, up to the longest") {
    Fixture f;
    f.exchange->refuses = true;
    f.connection.open();
    CHECK(f.connection.state() == State::connecting);
    for (const int longest : {64, 128, 256, 512, 1000, 1000}) {
      f.come_back();
      CHECK(f.connection.failure().internal == "refused");
      const Milliseconds pause = f.pause();
      CHECK(pause >= Milliseconds{longest / 2});
      CHECK(pause <= Milliseconds{longest});
    }
    f.exchange->refuses = false;
    f.come_back();
    while (f.connection.state() != State::open) {
      f.pause();
      f.come_back();
    }
    CHECK(f.states.back() == State::open);
  }

  TEST_CASE("a conversation that lasted is made anew at once, another one after a pause") {
    Fixture f;
    f.connection.open();
    f.come_back();
    REQUIRE(f.connection.state() == State::open);
    f.exchange->peer.close();
    f.reactor.poll();
    CHECK(f.connection.state() == State::pausing);
    f.pause();
    f.come_back();
    REQUIRE(f.connection.state() == State::open);
    f.exchange->peer.write(std::string_view("*alive\n"));
    f.reactor.poll();
    f.reactor.advance(Milliseconds{1000});
    f.exchange->peer.close();
    f.reactor.poll();
    CHECK(f.connection.state() == State::connecting);
    f.come_back();
    CHECK(f.connection.state() == State::open);
    CHECK(f.states == std::vector{State::open, State::pausing, State::connecting, State::open, State::connecting, State::open});
  }

  TEST_CASE("pauses do not grow while the peer is heard of") {
    Fixture f;
    f.connection.open();
    f.come_back();
    for (int i = 0; i < 5; ++i) {
      REQUIRE(f.connection.state() == State::open);
      f.exchange->peer.write(std::string_view("*alive\n"));
      f.reactor.poll();
      f.exchange->peer.close();
      f.reactor.poll();
      CHECK(f.pause() <= Milliseconds{64});
      f.come_back();
    }
  }

  TEST_CASE("pauses grow while the peer breaks the protocol, or is abandoned soon after it was opened") {
    for (const bool breaks : {true, false}) {
      CAPTURE(breaks);
      Fixture f;
      f.connection.open();
      f.come_back();
      for (const int longest : {64, 128, 256, 512, 1000, 1000}) {
        REQUIRE(f.connection.state() == State::open);
        f.exchange->peer.write(std::string_view(breaks ? "!\n" : "*alive\n"));
        f.reactor.poll();
        if (!breaks) f.connection.abandon("of no use");
        const Milliseconds pause = f.pause();
        CHECK(pause >= Milliseconds{longest / 2});
        CHECK(pause <= Milliseconds{longest});
        f.come_back();
      }
      f.exchange->peer.write(std::string_view("*alive\n"));
      f.reactor.poll();
      f.reactor.advance(Milliseconds{1000});
      f.connection.abandon("not any more");
      CHECK(f.connection.state() == State::connecting);
    }
  }

  TEST_CASE("opening again ends a pause") {
    Fixture f;
    f.exchange->refuses = true;
    f.connection.open();
    f.come_back();
    REQUIRE(f.connection.state() == State::pausing);
    f.exchange->refuses = false;
    f.connection.open();
    f.come_back();
    CHECK(f.connection.state() == State::open);
  }

  TEST_CASE("what comes after closing is dropped") {
    Fixture f;
    f.connection.open();
    f.connection.close(Failure(Error::unavailable));
    f.reactor.poll(Milliseconds{1000});
    CHECK(f.connection.state() == State::closed);
    CHECK(f.states.empty());
    f.reactor.advance(Milliseconds{10'000});
    CHECK(f.exchange->dialled <= 1);
  }

  TEST_CASE("a connection may end while it is dialled, and so may its threads") {
    const auto exchange = std::make_shared<Exchange>();
    exchange->hangs = true;
    const Monotonic began = monotonic_now();
    {
      ManualReactor reactor;
      Threads threads(reactor, 1);
      LineConnection connection(reactor, threads, [exchange](const Patience& p) { return exchange->dial(p); },
                                {.connect_timeout = Milliseconds{60'000}});
      connection.open();
      while (exchange->dialled == 0) std::this_thread::yield();
    }
    CHECK(monotonic_now() - began < Milliseconds{30'000});
    CHECK(exchange.use_count() == 1);
  }
}

}  // namespace nacre::net
