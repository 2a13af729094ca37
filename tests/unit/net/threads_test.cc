#include "net/threads.h"

#include <doctest/doctest.h>
#include <signal.h>

#include <atomic>
#include <set>
#include <thread>

#include "fiber/poll_reactor.h"

namespace nacre::net {

TEST_SUITE("net::Threads") {
  TEST_CASE("work runs beside the loop, on so many threads at most, and comes back to it") {
    PollReactor reactor(1);
    Threads threads(reactor, 3);
    std::atomic<int> running = 0;
    std::atomic<int> most = 0;
    int done = 0;
    const auto loop = std::this_thread::get_id();
    for (int i = 0; i < 50; ++i) {
      threads.run(
          [&](const std::stop_token&) {
            const int now = ++running;
            for (int seen = most; seen < now && !most.compare_exchange_weak(seen, now);) {
            }
            std::this_thread::sleep_for(Milliseconds{1});
            --running;
          },
          [&] { done += std::this_thread::get_id() == loop ? 1 : 0; });
    }
    reactor.run_until([&] { return done == 50; });
    CHECK(most <= 3);
    CHECK(most >= 2);
  }

  TEST_CASE("no signal goes to such a thread") {
    PollReactor reactor(1);
    Threads threads(reactor, 1);
    bool done = false;
    sigset_t blocked;
    threads.run([&](const std::stop_token&) { ::pthread_sigmask(SIG_BLOCK, nullptr, &blocked); }, [&] { done = true; });
    reactor.run_until([&] { return done; });
    for (const int signal : {SIGTERM, SIGHUP, SIGCHLD, SIGPIPE, SIGALRM}) CHECK(::sigismember(&blocked, signal) == 1);
    ::pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
    CHECK(::sigismember(&blocked, SIGTERM) == 0);
  }

  TEST_CASE("its end asks what runs to stop, and drops what waits") {
    PollReactor reactor(1);
    std::atomic<bool> began = false;
    const auto token = std::make_shared<int>();
    int called = 0;
    {
      Threads threads(reactor, 1);
      threads.run(
          [&](const std::stop_token& stop) {
            began = true;
            while (!stop.stop_requested()) std::this_thread::sleep_for(Milliseconds{1});
          },
          [&, token] { ++called; });
      threads.run([&](const std::stop_token&) { ++called; }, [&, token] { ++called; });
      while (!began) std::this_thread::yield();
    }
    CHECK(called == 0);
    CHECK(token.use_count() == 1);
  }
}

}  // namespace nacre::net
