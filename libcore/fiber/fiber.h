#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/error.h"
#include "base/thrown.h"
#include "base/time.h"
#include "fiber/reactor.h"
#include "fiber/sanitizer.h"

/// One stackful fiber per request. Code on a fiber is written straight down, as if it blocked; a wait gives the thread back to
/// the event loop. A fiber stays on the thread that started it. Never wait inside a `catch` block.
namespace nacre::fiber {

class Fiber;

/// Four times what the deepest document that validates against the worst schema was seen to take.
inline constexpr std::size_t kStackSize = (kAddressSanitizer ? 512 : 128) * std::size_t{1024};

/// Runs the fibers of one event loop: keeps their stacks for reuse, and the queue of those that may go on.
class Scheduler {
 public:
  struct Options {
    std::size_t stack_size = kStackSize;  ///< bytes, guard page not counted; memory is used only as a stack grows into it
    std::size_t spare_stacks = 512;       ///< stacks kept for reuse
  };
  explicit Scheduler(Reactor& reactor);
  Scheduler(Reactor& reactor, Options options);
  /// All fibers must have ended.
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  /// Runs `body` on a fiber of its own, at once, until it ends or first waits. `deadline` bounds every wait in it.
  /// Returns the fiber when it waits, and nullptr when it has ended already; the pointer is good until `body` has returned.
  /// Error::overloaded when there is no memory for a stack; then `body` has not run.
  Result<Fiber*> start(Monotonic deadline, std::function<void()> body);

  /// Cancels every fiber that has not ended.
  void cancel_all();

  Reactor& reactor() noexcept { return reactor_; }
  std::size_t running() const noexcept { return running_; }  ///< fibers that have not ended

 private:
  friend class Fiber;
  friend class Event;
  void make_ready(Fiber& fiber);
  void remove_ready(Fiber& fiber) noexcept;
  void run_ready();

  Reactor& reactor_;
  Options options_;
  std::vector<std::unique_ptr<Fiber>> spare_;
  Fiber* first_started_ = nullptr;  // all that have not ended, the newest first
  Fiber* first_ready_ = nullptr;
  Fiber* last_ready_ = nullptr;
  std::size_t ready_count_ = 0;
  Task go_on_{[this] { run_ready(); }};
  std::size_t running_ = 0;
};

/// True on a fiber, false on the main stack.
bool on_fiber() noexcept;

/// What runs the running fiber. On a fiber only.
Scheduler& scheduler() noexcept;
inline Reactor& reactor() noexcept { return scheduler().reactor(); }

/// The moment at which every wait of the running fiber ends with Error::deadline.
Monotonic deadline() noexcept;

/// Makes the running fiber's waits fail with Error::cancelled, the current one and all later ones; if it waits, it runs (on
/// this stack) until it ends, for nothing makes it wait again. From the main stack only.
void cancel(Fiber& fiber);

/// True when the running fiber was cancelled: its client is gone.
bool cancelled() noexcept;

/// Tightens the running fiber's deadline to `timeout` from now for a scope; never loosens it.
class TimeLimit {
 public:
  explicit TimeLimit(Milliseconds timeout);
  ~TimeLimit();
  TimeLimit(const TimeLimit&) = delete;
  TimeLimit& operator=(const TimeLimit&) = delete;

 private:
  Monotonic before_;
};

/// A condition that becomes true once. Any number of fibers wait for it; `set` wakes them in the order of their waits.
/// Loop's thread only. Must outlive its waiters.
class Event {
 public:
  Event() = default;
  ~Event() = default;
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  /// Returns at once when set. Else Error::deadline or Error::cancelled, if that comes first.
  Result<void> wait();
  /// Lets the waiters go on, after the current event of the loop. Repeating it does nothing.
  void set();
  bool is_set() const noexcept { return set_; }

 private:
  friend class Fiber;
  void append(Fiber& fiber) noexcept;
  void remove(Fiber& fiber) noexcept;

  Fiber* first_ = nullptr;
  Fiber* last_ = nullptr;
  bool set_ = false;
};

/// Waits for `duration`; for one turn of the loop where that is zero, so that a long piece of work lets others go on.
/// Error::deadline or Error::cancelled, if that comes first.
Result<void> sleep(Milliseconds duration);

/// Runs `work` on a thread of the reactor's pool while the fiber waits. When the wait ends early (deadline, cancelled) the work
/// goes on to its end and its result is dropped: `work` must own all that it touches. Error::overloaded when the pool is full,
/// Error::internal when `work` throws.
template <class T>
Result<T> on_thread(std::function<Result<T>()> work);

/// Of work that nobody may wait for any more: what takes longer bounds itself.
inline constexpr std::chrono::hours kLongestApart{1};

namespace detail {

template <class T>
struct ThreadCall final : ThreadJob {
  explicit ThreadCall(std::function<Result<T>()> w) : work(std::move(w)) {}
  void run() noexcept override {
    try {
      result = work();
    } catch (...) {
      result = thrown_failure();
    }
  }
  void done() noexcept override {
    finished.set();
    self.reset();
  }

  std::function<Result<T>()> work;
  Result<T> result = Failure(Error::internal);
  Event finished;
  std::shared_ptr<ThreadCall> self;  ///< keeps the call alive until `done`, whoever waits for it
};

}  // namespace detail

template <class T>
Result<T> on_thread(std::function<Result<T>()> work) {
  auto call = std::make_shared<detail::ThreadCall<T>>(std::move(work));
  call->self = call;
  if (!reactor().run_on_thread(*call)) {
    call->self.reset();
    return Failure(Error::overloaded, "too much work is waiting");
  }
  if (auto waited = call->finished.wait(); !waited) return waited.error();
  return std::move(call->result);
}

/// Runs `work` on a fiber of `scheduler` while the running one waits. When that wait ends early (deadline, cancelled) the work
/// goes on, within a deadline of its own, and its result is dropped: `work` must own all that it touches. Error::overloaded
/// when there is no memory for a stack; then `work` has not run. Error::internal when it throws.
template <class T>
Result<T> apart(Scheduler& scheduler, std::function<Result<T>()> work) {
  struct Call {
    std::function<Result<T>()> work{};
    Result<T> result = Failure(Error::internal);
    Event finished{};
  };
  const auto call = std::make_shared<Call>();
  call->work = std::move(work);
  const auto started = scheduler.start(scheduler.reactor().now() + kLongestApart, [call] {
    try {
      call->result = call->work();
    } catch (...) {
      call->result = thrown_failure();
    }
    call->finished.set();
  });
  if (!started) return started.error();
  if (auto waited = call->finished.wait(); !waited) return waited.error();
  return std::move(call->result);
}

/// Text that is scanned or hashed once on the loop: at most some 2 ms.
inline constexpr std::size_t kLoopText = 512UL << 10U;

/// Calls `work()`, on a thread where it scans or hashes much text; off a fiber, where all texts are out of the zone and so no
/// larger than Zone::kLargestEntry, at once. What it touches it owns.
template <class T, class Work>
Result<T> scan(std::size_t text, Work work) {
  if (text <= kLoopText || !on_fiber()) return work();
  return on_thread<T>(std::move(work));
}

}  // namespace nacre::fiber
