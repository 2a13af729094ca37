#pragma once

#include <pthread.h>

namespace nacre::cache {

/// A lock in shared memory that survives the death of the process that holds it.
class RobustMutex {
 public:
  /// Prepares zeroed memory; once, before any other process sees it.
  void init() noexcept;
  /// True when the previous holder died inside: what the lock protects is as that process left it.
  [[nodiscard]] bool lock() noexcept;
  void unlock() noexcept;

 private:
  pthread_mutex_t mutex_;
};

}  // namespace nacre::cache
