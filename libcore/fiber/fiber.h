#pragma once

#include <functional>
#include <memory>

#include "base/error.h"
#include "base/time.h"
#include "fiber/reactor.h"

/// One stackful fiber per request. Code on a fiber is written straight down, as if it blocked; a wait gives the thread back to
/// the event loop. A fiber stays on the thread that started it. Never wait inside a `catch` block.
namespace nacre::fiber {

class Fiber;
class StackPool;

/// Runs `body` on a fiber of its own, at once, until it ends or first waits. `deadline` bounds every wait in it.
/// The returned handle stays good until `body` has returned, and no longer.
Fiber& start(Reactor& reactor, StackPool& stacks, Monotonic deadline, std::function<void()> body);

/// True on a fiber, false on the main stack.
bool on_fiber() noexcept;

/// The running fiber's reactor. On a fiber only.
Reactor& reactor() noexcept;

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
/// Loop's thread only. Must outlive its waiters; a shared_ptr usually holds it.
class Event {
 public:
  Event() = default;
  ~Event();
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  /// Returns at once when set. Else Error::deadline or Error::cancelled, if that comes first.
  Result<void> wait();
  /// Wakes the waiters, each by a posted task. Repeating it does nothing.
  void set();
  bool is_set() const noexcept { return set_; }

 private:
  friend struct Waiter;
  struct Waiter* first_ = nullptr;
  struct Waiter* last_ = nullptr;
  bool set_ = false;
};

/// Waits for `duration`. Error::deadline or Error::cancelled, if that comes first.
Result<void> sleep(Milliseconds duration);

/// Runs `work` on a thread of the reactor's pool while the fiber waits. When the wait ends early (deadline, cancelled) the work
/// goes on to its end, and its result is dropped: `work` must own all that it touches. Error::overloaded when the pool is full.
template <class T>
Result<T> on_thread(std::function<Result<T>()> work);

}  // namespace nacre::fiber

#include "fiber/on_thread.inl"
