#pragma once

#include <functional>
#include <memory>

#include "fiber/fiber.h"
#include "fiber/poll_reactor.h"

namespace nacre::net {

/// A reactor over poll that counts what is registered with it and, on demand, reports sockets edge-triggered, as nginx's loop
/// may.
class CountingReactor final : public Reactor {
 public:
  Monotonic now() const noexcept override { return poll_.now(); }
  Timestamp wall() const noexcept override { return poll_.wall(); }
  void post(Task& task) override { poll_.post(task); }
  void post_last(Task& task) override { poll_.post_last(task); }
  void post_next_turn(Task& task) override { poll_.post_next_turn(task); }
  std::unique_ptr<Timer> timer(std::function<void()> on_expiry) override;
  std::unique_ptr<Timer> background_timer(std::function<void()> on_expiry) override {
    return poll_.background_timer(std::move(on_expiry));
  }
  std::unique_ptr<Watch> watch(int fd, std::function<void(bool, bool)> on_ready) override;
  bool run_on_thread(ThreadJob& job) override { return poll_.run_on_thread(job); }
  void run_until(const std::function<bool()>& finished) { poll_.run_until(finished); }

  int watches = 0;
  int armed_timers = 0;
  bool edge_triggered = false;

 private:
  struct CountedTimer;
  struct CountedWatch;
  struct EdgeWatch;

  PollReactor poll_{1};
};

/// Runs what a test does on a fiber.
struct Loop {
  /// Starts `body` and turns the loop until all fibers have ended.
  void run(std::function<void()> body, Milliseconds deadline = Milliseconds{60'000});
  fiber::Fiber* start(std::function<void()> body, Milliseconds deadline = Milliseconds{60'000});
  void finish();
  /// Nothing is left in the reactor that could hold up its end.
  bool idle() const { return reactor.watches == 0 && reactor.armed_timers == 0; }

  CountingReactor reactor;
  fiber::Scheduler scheduler{reactor, {.stack_size = fiber::kStackSize / 8}};  // libcurl would not fit into it
};

}  // namespace nacre::net
