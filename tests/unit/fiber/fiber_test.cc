#include "fiber/fiber.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "fiber/manual_reactor.h"

namespace nacre::fiber {

namespace {

struct Loop {
  ManualReactor reactor;
  Scheduler scheduler{reactor};

  Fiber* start(std::function<void()> body, Milliseconds within = Milliseconds{1000}) {
    return *scheduler.start(reactor.now() + within, std::move(body));
  }
};

}  // namespace

TEST_CASE("a fiber that never waits ends inside start") {
  Loop loop;
  bool ran = false;
  CHECK(loop.start([&] { ran = on_fiber(); }) == nullptr);
  CHECK(ran);
  CHECK_FALSE(on_fiber());
  CHECK(loop.scheduler.running() == 0);
}

TEST_CASE("an event wakes its waiters in the order of their waits, after the current event of the loop") {
  Loop loop;
  Event event;
  std::string order;
  for (const char name : {'a', 'b', 'c'}) {
    loop.start([&, name] {
      REQUIRE(event.wait());
      order += name;
    });
  }
  event.set();
  CHECK(order.empty());
  loop.reactor.run();
  CHECK(order == "abc");
}

TEST_CASE("a wait ends at the deadline, not before") {
  Loop loop;
  Event event;
  std::optional<Error> error;
  loop.start([&] { error = event.wait().error().error; });
  loop.reactor.advance(Milliseconds{999});
  CHECK_FALSE(error);
  loop.reactor.advance(Milliseconds{1});
  CHECK(error == Error::deadline);
  CHECK(loop.scheduler.running() == 0);
}

TEST_CASE("past the deadline every wait fails at once") {
  Loop loop;
  Event event;
  std::vector<Error> errors;
  loop.start([&] {
    for (int i = 0; i < 3; ++i) errors.push_back(event.wait().error().error);
  });
  loop.reactor.advance(Milliseconds{1000});
  CHECK(errors == std::vector{Error::deadline, Error::deadline, Error::deadline});
}

TEST_CASE("cancelling runs the fiber to its end at once") {
  Loop loop;
  Event event;
  std::vector<Error> errors;
  bool unwound = false;
  Fiber* const fiber = loop.start([&] {
    const std::shared_ptr<void> guard(nullptr, [&](void*) { unwound = true; });
    errors.push_back(event.wait().error().error);
    errors.push_back(sleep(Milliseconds{1}).error().error);
    CHECK(cancelled());
  });
  REQUIRE(fiber != nullptr);
  cancel(*fiber);
  CHECK(unwound);
  CHECK(errors == std::vector{Error::cancelled, Error::cancelled});
  event.set();
  loop.reactor.run();
}

TEST_CASE("a stack that is used again ends its waits at their own deadlines") {
  Loop loop;
  std::vector<Milliseconds> ends;
  const Monotonic began = loop.reactor.now();
  for (const int within : {1000, 300, 2000, 500}) {
    Event event;
    loop.start([&] { ends.push_back((event.wait().has_value(), loop.reactor.now() - began)); }, Milliseconds{within});
    loop.reactor.advance(Milliseconds{within == 1000 ? 0 : within});
    if (within == 1000) event.set();
    loop.reactor.run();
  }
  CHECK(ends == std::vector{Milliseconds{0}, Milliseconds{300}, Milliseconds{2300}, Milliseconds{2800}});
}

TEST_CASE("cancelling a fiber that is about to go on takes it out of the queue") {
  Loop loop;
  Event event;
  int resumed = 0;
  Fiber* const first = loop.start([&] {
    (void)event.wait();
    ++resumed;
  });
  loop.start([&] {
    (void)event.wait();
    ++resumed;
  });
  event.set();
  cancel(*first);
  CHECK(resumed == 1);
  loop.reactor.run();
  CHECK(resumed == 2);
}

TEST_CASE("a time limit ends a wait early and leaves the deadline as it was") {
  Loop loop;
  Event event;
  std::vector<Monotonic> ends;
  const Monotonic began = loop.reactor.now();
  loop.start([&] {
    {
      const TimeLimit limit(Milliseconds{100});
      CHECK(event.wait().error().error == Error::deadline);
      ends.push_back(reactor().now());
      const TimeLimit longer(Milliseconds{900});
      CHECK(deadline() == began + Milliseconds{100});
    }
    CHECK(event.wait().error().error == Error::deadline);
    ends.push_back(reactor().now());
  });
  loop.reactor.advance(Milliseconds{2000});
  CHECK(ends == std::vector{began + Milliseconds{100}, began + Milliseconds{1000}});
}

TEST_CASE("sleep ends after its duration, or with the deadline when that is first") {
  Loop loop;
  bool slept = false;
  std::optional<Error> late;
  loop.start([&] {
    slept = sleep(Milliseconds{600}).has_value();
    late = sleep(Milliseconds{600}).error().error;
  });
  loop.reactor.advance(Milliseconds{600});
  CHECK(slept);
  loop.reactor.advance(Milliseconds{400});
  CHECK(late == Error::deadline);
}

TEST_CASE("work on a thread gives its result back, and outlives a fiber that stops waiting") {
  Loop loop;
  loop.reactor.jobs_run_by_themselves = false;
  int result = 0;
  loop.start([&] { result = *on_thread<int>([] { return Result<int>(7); }); });
  CHECK(result == 0);
  CHECK(loop.reactor.run_job());
  loop.reactor.run();
  CHECK(result == 7);

  auto ran = std::make_shared<bool>(false);
  Fiber* const fiber = loop.start([&, ran] {
    const auto got = on_thread<int>([ran] {
      *ran = true;
      return Result<int>(1);
    });
    CHECK(got.error().error == Error::cancelled);
  });
  cancel(*fiber);
  CHECK(loop.reactor.run_job());
  CHECK(*ran);
}

TEST_CASE("a full thread pool and a throwing job are errors") {
  Loop loop;
  loop.reactor.job_limit = 0;
  std::optional<Error> error;
  loop.start([&] { error = on_thread<int>([] { return Result<int>(1); }).error().error; });
  CHECK(error == Error::overloaded);
  loop.reactor.job_limit = 1;
  loop.start([&] { error = on_thread<int>([]() -> Result<int> { throw std::bad_alloc(); }).error().error; });
  loop.reactor.run();
  CHECK(error == Error::internal);
}

TEST_CASE("fibers that wake each other leave each turn of the loop to others") {
  Loop loop;
  constexpr int kRounds = 100;
  std::vector<std::unique_ptr<Event>> events;
  for (int i = 0; i <= 2 * kRounds; ++i) events.push_back(std::make_unique<Event>());
  int rounds = 0;
  for (int side = 0; side < 2; ++side) {
    loop.start([&, side] {
      for (int i = side; i < 2 * kRounds; i += 2) {
        REQUIRE(events[static_cast<std::size_t>(i)]->wait());
        ++rounds;
        events[static_cast<std::size_t>(i) + 1]->set();
      }
    });
  }
  events[0]->set();
  int turns = 0;
  for (; rounds < 2 * kRounds && loop.reactor.turn(); ++turns) CHECK(rounds <= 2 * (turns + 1));
  CHECK(rounds == 2 * kRounds);
  CHECK(turns >= kRounds);
}

TEST_CASE("so do fibers that wake themselves by way of what they post") {
  Loop loop;
  int rounds = 0;
  loop.start([&] {
    for (; rounds < 100; ++rounds) {
      Event event;
      Task setting([&] { event.set(); });
      reactor().post(setting);
      REQUIRE(event.wait());
    }
  });
  int turns = 0;
  while (rounds < 100 && loop.reactor.turn()) {
    ++turns;
    CHECK(rounds <= turns);
  }
  CHECK(rounds == 100);
}

TEST_CASE("what wakes a fiber outside of a task lets it go on in this turn") {
  Loop loop;
  Event event;
  bool woken = false;
  loop.start([&] { woken = event.wait().has_value(); });
  event.set();
  CHECK(loop.reactor.turn());
  CHECK(woken);
  CHECK_FALSE(loop.reactor.turn());
}

TEST_CASE("a sleep of nothing lasts one turn of the loop, and can be cancelled") {
  Loop loop;
  int naps = 0;
  loop.start([&] {
    while (sleep(Milliseconds{0})) ++naps;
  });
  for (int turn = 1; turn <= 10; ++turn) {
    CHECK(loop.reactor.turn());
    CHECK(naps == turn);
  }
  Fiber* const gone = loop.start([&] { CHECK(sleep(Milliseconds{0}).error().error == Error::cancelled); });
  cancel(*gone);
  loop.reactor.turn();
  loop.scheduler.cancel_all();
}

TEST_CASE("ten thousand waiting fibers, and their stacks are used again") {
  Loop loop;
  Event event;
  int ended = 0;
  for (int i = 0; i < 10'000; ++i) {
    loop.start([&] {
      (void)event.wait();
      ++ended;
    });
  }
  CHECK(loop.scheduler.running() == 10'000);
  event.set();
  loop.reactor.run();
  CHECK(ended == 10'000);
  CHECK(loop.scheduler.running() == 0);
}

TEST_CASE("an exception that leaves the body ends the fiber alone") {
  Loop loop;
  CHECK(loop.start([] { throw std::runtime_error("x"); }) == nullptr);
  CHECK(loop.scheduler.running() == 0);
}

}  // namespace nacre::fiber
