#pragma once

#include <condition_variable>
#include <deque>
#include <list>
#include <mutex>
#include <thread>
#include <vector>

#include "fiber/reactor.h"

namespace nacre {

/// A small event loop over poll(2) with threads of its own: for command-line tools, benchmarks and tests of what needs real
/// threads.
class PollReactor final : public Reactor {
 public:
  explicit PollReactor(unsigned threads = 4);
  /// Waits for running jobs; `done` of jobs that have not come back is not called.
  ~PollReactor() override;

  Monotonic now() const noexcept override { return now_; }
  Timestamp wall() const noexcept override;
  void post(Task& task) override { turns_.post(task); }
  void post_last(Task& task) override { turns_.post_last(task); }
  void post_next_turn(Task& task) override { turns_.post_next_turn(task); }
  std::unique_ptr<Timer> timer(std::function<void()> on_expiry) override;
  std::unique_ptr<Watch> watch(int fd, std::function<void(bool, bool)> on_ready) override;
  bool run_on_thread(ThreadJob& job) override;

  /// Turns the loop until `finished` gives true, which is asked after each turn.
  void run_until(const std::function<bool()>& finished);

 private:
  struct PollTimer;
  struct PollWatch;

  void run_tasks();
  void wait_for_events();
  void fire_timers();
  void finish_jobs();
  void work();

  Monotonic now_ = monotonic_now();
  Turns turns_;
  std::list<PollTimer*> timers_;
  std::list<PollWatch*> watches_;
  int wake_fd_;

  std::mutex mutex_;  // guards what follows
  std::condition_variable work_waits_;
  std::deque<ThreadJob*> waiting_;
  std::deque<ThreadJob*> finished_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace nacre
