#pragma once

#include <deque>
#include <list>

#include "fiber/reactor.h"

namespace nacre {

/// A reactor for tests, driven by hand: time stands still until `advance`, nothing happens until `run`, thread jobs run where
/// the test says. Descriptors are not watched; a test calls `ready`.
class ManualReactor final : public Reactor {
 public:
  Monotonic now() const noexcept override { return now_; }
  Timestamp wall() const noexcept override { return wall_; }
  void post(Task& task) override { turns_.post(task); }
  void post_last(Task& task) override { turns_.post_last(task); }
  void post_next_turn(Task& task) override { turns_.post_next_turn(task); }
  std::unique_ptr<Timer> timer(std::function<void()> on_expiry) override;
  std::unique_ptr<Watch> watch(int fd, std::function<void(bool, bool)> on_ready) override;
  bool run_on_thread(ThreadJob& job) override;

  /// Turns the loop once: runs what is posted for this turn. False when nothing was.
  bool turn();
  /// Turns the loop until nothing is left to do but to wait for time or threads; with `jobs_run_by_themselves`, those too.
  void run();
  /// Lets time pass, firing timers in their order, each followed by `run`.
  void advance(Milliseconds by);
  /// Sets the wall clock alone, forward or back.
  void set_wall(Timestamp wall) { wall_ = wall; }
  /// Runs the oldest waiting thread job and its `done`; false when there is none. `meanwhile`: what happens on the loop in
  /// between.
  bool run_job(const std::function<void()>& meanwhile = {});
  std::size_t jobs() const noexcept { return jobs_.size(); }
  /// Reports a watched descriptor.
  void ready(int fd, bool readable, bool writable);
  /// Reports what is ready by now of that which is wanted, waiting up to `patience` of real time for the first, then runs.
  /// False when nothing was.
  bool poll(Milliseconds patience = Milliseconds{0});

  bool jobs_run_by_themselves = true;
  std::size_t job_limit = 1024;

 private:
  struct ManualTimer;
  struct ManualWatch;

  Monotonic now_{1'000'000};
  Timestamp wall_{Milliseconds{1'767'225'600'000}};  // 2026-01-01T00:00:00Z
  Turns turns_;
  std::deque<ThreadJob*> jobs_;
  std::list<ManualTimer*> timers_;
  std::list<ManualWatch*> watches_;
};

}  // namespace nacre
