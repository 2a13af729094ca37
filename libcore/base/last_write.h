#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/robust_mutex.h"

namespace nacre {

/// The last write that a store has acknowledged to any worker of a host: its moment by the store's own clock, and what the
/// store's servers know that moment from (of MongoDB `operationTime`, and the signed `$clusterTime`). In shared memory.
class LastWrite {
 public:
  static constexpr std::size_t kLargestProof = 128;  // `$clusterTime` has 88 bytes

  /// Prepares zeroed memory; once.
  void init() noexcept { mutex_.init(); }

  /// A write to `store` was acknowledged. Nothing changes where a later one is known, or `proof` is too large. That of another
  /// store, which an earlier configuration names, is forgotten.
  void note(std::uint64_t store, std::uint64_t moment, std::string_view proof) noexcept;

  /// Nothing is known of `store` any more: it keeps another time.
  void forget(std::uint64_t store) noexcept;

  /// Whether there may be one that `later` gives. Takes no lock.
  bool may_be_later(std::uint64_t than) const noexcept { return moment_.load(std::memory_order_relaxed) > than; }
  /// The moment of the last write to `store`, and its proof; 0 when it is not later than `than`.
  std::uint64_t later(std::uint64_t store, std::uint64_t than, std::string& proof) noexcept;

 private:
  class Locked;

  RobustMutex mutex_;
  std::uint64_t store_;
  std::atomic<std::uint64_t> moment_;
  std::size_t size_;
  std::array<char, kLargestProof> proof_;
};

}  // namespace nacre
