#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <optional>

#include "base/time.h"

namespace nacre::cache {

/// The right to do something for a key, until it is given back or its time is over.
struct Lease {
  std::uint64_t hash = 0;
  std::uint64_t word = 0;
  /// False when it was granted although its slot holds another key's: nobody is kept out.
  bool exclusive() const noexcept { return word != 0; }
};

/// Leases in shared memory, without locks: one word a slot, holding the upper half of the key's hash and the moment of expiry,
/// so that taking one over is one compare-and-swap and a holder's death costs no more than the rest of its time.
class Leases {
 public:
  static constexpr Milliseconds kLongest{60'000};

  /// nullopt while another holds it. Two live keys that meet in one slot are both granted: they only lose the exclusion.
  std::optional<Lease> take(std::uint64_t hash, Milliseconds time, Monotonic now) noexcept {
    std::atomic<std::uint64_t>& slot = slots_[hash % kSlots];
    const std::uint64_t wanted = (hash & kTag) | expiry(now + std::min(time, kLongest));
    std::uint64_t seen = slot.load(std::memory_order_acquire);
    while (!live(seen, now)) {
      if (slot.compare_exchange_weak(seen, wanted, std::memory_order_acq_rel)) return Lease{hash, wanted};
    }
    if ((seen & kTag) == (hash & kTag)) return std::nullopt;
    return Lease{hash, 0};
  }

  /// Ends whatever lease there is for a key: its holder has died.
  void revoke(std::uint64_t hash) noexcept {
    std::atomic<std::uint64_t>& slot = slots_[hash % kSlots];
    std::uint64_t seen = slot.load(std::memory_order_acquire);
    if ((seen & kTag) == (hash & kTag)) slot.compare_exchange_strong(seen, 0, std::memory_order_acq_rel);
  }

  /// Gives it back, unless another took it over meanwhile.
  void give_back(const Lease& lease) noexcept {
    std::uint64_t expected = lease.word;
    if (lease.exclusive()) slots_[lease.hash % kSlots].compare_exchange_strong(expected, 0, std::memory_order_acq_rel);
  }

 private:
  static constexpr std::size_t kSlots = 4096;
  static constexpr std::uint64_t kTag = 0xffff'ffff'0000'0000U;

  // The moment modulo 2^32 ms, never 0. A word that is 49 days old may look new again, for kLongest at most.
  static std::uint64_t expiry(Monotonic at) noexcept { return static_cast<std::uint32_t>(at) | 1U; }
  static bool live(std::uint64_t word, Monotonic now) noexcept {
    const std::uint32_t left = static_cast<std::uint32_t>(word) - static_cast<std::uint32_t>(now);
    return word != 0 && left > 0 && left <= kLongest.count() + 1;
  }

  std::array<std::atomic<std::uint64_t>, kSlots> slots_;
};

static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

}  // namespace nacre::cache
