#pragma once

#include <pthread.h>

#include <cstdint>

namespace nacre {

/// A lock in shared memory that survives the death of the process that holds it.
class RobustMutex {
 public:
  /// Prepares zeroed memory; once, before any other process sees it.
  void init() noexcept;
  /// True when the previous holder died inside: what the lock protects is as that process left it.
  [[nodiscard]] bool lock() noexcept;
  void unlock() noexcept;

  enum class Attempt : std::uint8_t {
    taken,
    taken_from_dead,  ///< its holder died; the lock is the caller's now
    held,
  };
  /// Takes the lock if nobody who lives holds it; does not wait.
  [[nodiscard]] Attempt try_lock() noexcept;

 private:
  pthread_mutex_t mutex_;
};

/// Holds one while it lives.
class RobustLock {
 public:
  explicit RobustLock(RobustMutex& mutex) noexcept : mutex_(mutex), left_by_dead_(mutex.lock()) {}
  ~RobustLock() { mutex_.unlock(); }
  RobustLock(const RobustLock&) = delete;
  RobustLock& operator=(const RobustLock&) = delete;

  /// As of RobustMutex::lock.
  bool left_by_dead() const noexcept { return left_by_dead_; }

 private:
  RobustMutex& mutex_;
  const bool left_by_dead_;
};

}  // namespace nacre
