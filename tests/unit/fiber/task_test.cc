#include "fiber/task.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>

#include "fiber/manual_reactor.h"

namespace nacre {

TEST_CASE("a turn runs what the last one left to it, then what was posted, then what was to come last") {
  ManualReactor reactor;
  std::string order;
  Task last([&] { order += 'l'; });
  Task now([&] { order += 'n'; });
  Task next([&] { order += 'x'; });
  reactor.post_last(last);
  reactor.post(now);
  reactor.post_next_turn(next);
  CHECK(reactor.turn());
  CHECK(order == "xnl");
  CHECK_FALSE(reactor.turn());
}

TEST_CASE("what a task posts runs in the next turn, but for what comes last") {
  ManualReactor reactor;
  std::string order;
  Task last([&] { order += 'l'; });
  Task other([&] { order += 'o'; });
  Task now([&] {
    order += 'n';
    reactor.post(other);
    reactor.post_last(last);
  });
  reactor.post(now);
  reactor.turn();
  CHECK(order == "nl");
  reactor.turn();
  CHECK(order == "nlo");
}

TEST_CASE("a task that came last and posts itself again leaves the loop its turn") {
  ManualReactor reactor;
  int runs = 0;
  Task last([&] {
    ++runs;
    reactor.post_last(last);
  });
  reactor.post_last(last);
  for (int turn = 1; turn <= 3; ++turn) {
    CHECK(reactor.turn());
    CHECK(runs < 2 * turn);
  }
}

TEST_CASE("a task waits once, and is taken back at its end") {
  ManualReactor reactor;
  int runs = 0;
  Task twice([&] { ++runs; });
  auto gone = std::make_unique<Task>([&] { runs += 10; });
  Task ends([&] { gone.reset(); });
  reactor.post(twice);
  reactor.post_last(twice);
  reactor.post(ends);
  reactor.post(*gone);
  reactor.run();
  CHECK(runs == 1);
}

}  // namespace nacre
