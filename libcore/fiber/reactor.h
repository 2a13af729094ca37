#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "base/time.h"
#include "fiber/task.h"

namespace nacre {

/// Calls back once at a moment; may be armed again.
class Timer {
 public:
  virtual ~Timer() = default;
  /// Calls back at `at`, or as soon after as the loop turns; replaces an earlier moment.
  virtual void arm(Monotonic at) = 0;
  virtual void disarm() noexcept = 0;
  /// Whether it keeps a worker that exits gracefully alive as long as it is armed.
  virtual void keep_worker(bool /*keeps*/) noexcept {}
};

/// Watches one file descriptor, edge- or level-triggered: a callback says that it may be readable or writable.
class Watch {
 public:
  virtual ~Watch() = default;  ///< stops watching, even from its own callback; does not close the descriptor
  virtual void want(bool readable, bool writable) = 0;
};

/// Work for a thread of the pool. The object lives until `done` returns.
class ThreadJob {
 public:
  virtual ~ThreadJob() = default;
  virtual void run() noexcept = 0;   ///< on a thread of the pool
  virtual void done() noexcept = 0;  ///< afterwards, on the loop
};

/// What libcore asks of the event loop that it lives in. nginx's loop implements it (ngx_module/reactor), tests drive one by
/// hand (fiber/manual_reactor.h), and command-line tools poll (fiber/poll_reactor.h). Everything but ThreadJob::run happens on
/// the loop's thread.
class Reactor {
 public:
  virtual ~Reactor() = default;
  /// The loop's idea of now, at most one turn of the loop old.
  virtual Monotonic now() const noexcept = 0;
  /// Wall-clock time.
  virtual Timestamp wall() const noexcept = 0;
  /// Runs `task` after the current event, in the order of the calls, before the loop waits again. What a posted task posts
  /// runs in the loop's next turn: tasks that post each other, and fibers that wake each other, never keep the loop from its
  /// timers and sockets.
  virtual void post(Task& task) = 0;
  /// Runs `task` in this turn of the loop, after all that was posted for it: the place to flush a batch. What such a task posts
  /// runs in the next turn.
  virtual void post_last(Task& task) = 0;
  /// Runs `task` in the loop's next turn, once it has handled what is ready then.
  virtual void post_next_turn(Task& task) = 0;
  virtual std::unique_ptr<Timer> timer(std::function<void()> on_expiry) = 0;
  /// A timer for upkeep: unlike others, it keeps no worker that exits gracefully alive while it is armed.
  virtual std::unique_ptr<Timer> background_timer(std::function<void()> on_expiry) { return timer(std::move(on_expiry)); }
  /// nullptr when the loop can watch no more. A watch keeps no worker alive.
  virtual std::unique_ptr<Watch> watch(int fd, std::function<void(bool readable, bool writable)> on_ready) = 0;
  /// False when the pool's queue is full; then neither `run` nor `done` is called.
  virtual bool run_on_thread(ThreadJob& job) = 0;
};

}  // namespace nacre
