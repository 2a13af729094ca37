#include "fiber/poll_reactor.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <atomic>

#include "fiber/fiber.h"

namespace nacre {

TEST_CASE("thread jobs run beside the loop and come back to it") {
  PollReactor reactor(2);
  fiber::Scheduler scheduler(reactor);
  int sum = 0;
  for (int i = 1; i <= 100; ++i) {
    REQUIRE(scheduler.start(reactor.now() + Milliseconds{60'000},
                            [&sum, i] { sum += *fiber::on_thread<int>([i] { return Result<int>(i); }); }));
  }
  reactor.run_until([&] { return scheduler.running() == 0; });
  CHECK(sum == 5050);
}

TEST_CASE("a watched descriptor wakes the loop") {
  PollReactor reactor(1);
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  bool readable = false;
  {
    const auto watch = reactor.watch(ends[0], [&](bool r, bool) { readable = r; });
    watch->want(true, false);
    CHECK(::write(ends[1], "x", 1) == 1);
    reactor.run_until([&] { return readable; });
  }
  ::close(ends[0]);
  ::close(ends[1]);
  CHECK(readable);
}

TEST_CASE("timers fire in time") {
  PollReactor reactor(1);
  const Monotonic began = reactor.now();
  bool fired = false;
  const auto timer = reactor.timer([&] { fired = true; });
  timer->arm(began + Milliseconds{20});
  reactor.run_until([&] { return fired; });
  CHECK(reactor.now() - began >= Milliseconds{20});
}

}  // namespace nacre
