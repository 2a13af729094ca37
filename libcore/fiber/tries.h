#pragma once

#include <cstdint>

#include "base/error.h"
#include "base/time.h"

namespace nacre::fiber {

/// The tries of an operation on the running fiber that others may be faster than, or that fails in passing: the second comes at
/// once, later ones after pauses that double up to a third of a second, with jitter, so that many do not meet again and again.
class Tries {
 public:
  /// `until`: when the last one begins.
  explicit Tries(Monotonic until) : until_(until) {}
  /// As long as three quarters of the fiber's time last, so that there is time for the last try, and to say how it ended.
  static Tries within_deadline();

  /// Pauses, and says whether there is time for one more.
  bool again();

 private:
  const Monotonic until_;
  std::uint32_t tried_ = 0;
};

/// What a write that others were always faster than fails with.
Failure outrun();

}  // namespace nacre::fiber
