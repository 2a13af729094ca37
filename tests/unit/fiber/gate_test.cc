#include "fiber/gate.h"

#include <doctest/doctest.h>

#include <optional>
#include <string>

#include "fiber/manual_reactor.h"

namespace nacre::fiber {

namespace {

struct Gated {
  ManualReactor reactor;
  Scheduler scheduler{reactor};
  Gate gate{10};
  Event go_on;
  std::string inside{};

  /// A fiber that enters, tells its name, and leaves when `go_on` is set.
  Fiber* enter(std::size_t weight, char name, Milliseconds within = Milliseconds{1000}) {
    return *scheduler.start(reactor.now() + within, [this, weight, name] {
      const auto pass = gate.enter(weight);
      if (!pass) return;
      inside += name;
      (void)go_on.wait();
    });
  }
};

}  // namespace

TEST_CASE("those that fit are let in at once, the others in their order as there is room") {
  Gated loop;
  Event first;
  loop.scheduler.start(loop.reactor.now() + Milliseconds{1000}, [&] {
    const auto pass = loop.gate.enter(6);
    loop.inside += 'a';
    (void)first.wait();
  });
  loop.enter(4, 'b');
  loop.enter(7, 'c');
  loop.enter(1, 'd');  // would fit, and waits behind c
  loop.reactor.run();
  CHECK(loop.inside == "ab");
  CHECK(loop.gate.held() == 10);
  first.set();
  loop.reactor.run();
  CHECK(loop.inside == "ab");
  loop.go_on.set();
  loop.reactor.run();
  CHECK(loop.inside == "abcd");
  CHECK(loop.gate.held() == 0);
}

TEST_CASE("what is heavier than all there is has the gate for itself") {
  Gated loop;
  loop.enter(1'000, 'a');
  loop.enter(1, 'b');
  loop.reactor.run();
  CHECK(loop.inside == "a");
  CHECK(loop.gate.held() == 10);
  loop.go_on.set();
  loop.reactor.run();
  CHECK(loop.inside == "ab");
}

TEST_CASE("who gives up leaves its place to those behind it") {
  Gated loop;
  loop.enter(6, 'a', Milliseconds{100'000});
  loop.enter(8, 'b');
  loop.enter(2, 'c', Milliseconds{100'000});
  loop.reactor.run();
  CHECK(loop.inside == "a");
  SUBCASE("at its deadline") { loop.reactor.advance(Milliseconds{1000}); }
  SUBCASE("when it is cancelled") {
    Fiber* const heavy = loop.enter(10, 'd', Milliseconds{100'000});
    loop.reactor.advance(Milliseconds{1000});
    cancel(*heavy);
    loop.reactor.run();
  }
  CHECK(loop.inside == "ac");
  CHECK(loop.gate.held() == 8);
  loop.scheduler.cancel_all();
  loop.reactor.run();
  CHECK(loop.gate.held() == 0);
}

TEST_CASE("a pass that work on a thread holds, too, is given back when that is done, whoever waits for it") {
  Gated loop;
  loop.reactor.jobs_run_by_themselves = false;
  Fiber* const fiber = *loop.scheduler.start(loop.reactor.now() + Milliseconds{1000}, [&] {
    const auto pass = loop.gate.enter(5);
    (void)on_thread<int>([kept = *pass] { return Result<int>(1); });
  });
  loop.reactor.run();
  CHECK(loop.gate.held() == 5);
  cancel(*fiber);
  loop.reactor.run();
  CHECK(loop.gate.held() == 5);
  CHECK(loop.reactor.run_job());
  CHECK(loop.gate.held() == 0);
}

}  // namespace nacre::fiber
