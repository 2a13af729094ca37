#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <stop_token>

#include "fiber/reactor.h"

namespace nacre::net {

/// A worker's own threads for what blocks for long and for reasons of the network: connecting, discovering, authenticating.
/// Apart from the reactor's pool, so that an election holds up no password and no SQLite. Threads start when there is work,
/// block all signals, and end after a while without any. They keep no worker alive.
class Threads {
 public:
  /// At most `count` threads; work beyond that waits in order.
  Threads(Reactor& reactor, std::size_t count);
  /// Asks what runs to stop and waits for it; what waits is dropped, and no `done` is called any more.
  ~Threads();
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

  /// Runs `work` on a thread, then `done` on the loop. `work` owns what it touches, must not throw, and returns soon once
  /// `stop` is requested; it is destroyed on its thread, or on the loop when it never ran. `done` is destroyed on the loop,
  /// called or not. When the system has no thread left, `done` is called although `work` was not.
  void run(std::function<void(std::stop_token stop)> work, std::function<void()> done);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace nacre::net
