#pragma once

#include <array>
#include <atomic>
#include <cstdint>

namespace nacre::cache {

/// How often subjects were written: one counter for all subjects whose hashes meet in a stripe, which drops a little more than
/// was written and never less. A subject's generation is its stripe's count plus that of all subjects together: neither ever
/// falls, so the sum is the same only while both are.
class Generations {
 public:
  std::uint64_t of(std::uint64_t hash) const noexcept {
    return stripe(hash).load(std::memory_order_acquire) + all_.load(std::memory_order_acquire);
  }
  void next(std::uint64_t hash) noexcept { stripe(hash).fetch_add(1); }
  void next_of_all() noexcept { all_.fetch_add(1); }

 private:
  static constexpr std::size_t kStripes = 16'384;

  const std::atomic<std::uint64_t>& stripe(std::uint64_t hash) const noexcept { return stripes_[hash % kStripes]; }
  std::atomic<std::uint64_t>& stripe(std::uint64_t hash) noexcept { return stripes_[hash % kStripes]; }

  std::atomic<std::uint64_t> all_;
  std::array<std::atomic<std::uint64_t>, kStripes> stripes_;
};

}  // namespace nacre::cache
