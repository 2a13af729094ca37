#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/robust_mutex.h"
#include "base/time.h"

namespace nacre {

/// What fails, and was told to operators: so that one worker of a host says it for all of them. In shared memory.
class Outages {
 public:
  static constexpr std::size_t kMostReasons = 3;      ///< that are told of one outage
  static constexpr Milliseconds kForgotten{300'000};  ///< after which what nobody has met again is told anew

  /// Prepares zeroed memory; once.
  void init() noexcept { mutex_.init(); }

  /// `what` fails. True when that is to be told: it is not known for this reason, nor for kMostReasons others. `first`: it
  /// works no more; else it went on to fail, and where others have seen its end meanwhile there is nothing to tell.
  bool begin(std::string_view what, std::string_view why, bool first, Monotonic now) noexcept;
  /// `what` works. True when it was told that it fails, and is to be told that this is over.
  bool end(std::string_view what) noexcept;

 private:
  struct Reason {
    std::uint64_t what, why;  // hashes
    std::int64_t seen;        // 0: none
  };

  RobustMutex mutex_;  // of one that died in it, a line that is told twice or not at all is left
  std::array<Reason, 128> reasons_;
};

}  // namespace nacre
