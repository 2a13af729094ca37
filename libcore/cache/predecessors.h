#pragma once

#include <sys/types.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <limits>
#include <span>

#include "base/time.h"

namespace nacre::cache {

/// Processes that still answer requests and know an earlier zone: after a reload that changed the zone's size, and during a
/// binary upgrade. What they write they tell their own zone alone, so nothing may be kept in this one until they have ended.
class Predecessors {
 public:
  /// Once, before any process uses the zone. Of more than there is room for the first are waited for.
  void set(std::span<const pid_t> processes) noexcept {
    const std::size_t count = std::min(processes.size(), processes_.size());
    for (std::size_t i = 0; i < count; ++i) processes_[i].store(processes[i], std::memory_order_relaxed);
    if (count > 0) over_at_.store(kNever, std::memory_order_release);
  }

  /// Whether the zone is its processes' own at this moment.
  bool over(Monotonic now) const noexcept { return static_cast<std::int64_t>(now) >= over_at_.load(std::memory_order_relaxed); }

  /// Looks who has ended. Once all have, it is over `grace` later, when what they had sent to the store is done as well.
  void look(Monotonic now, Milliseconds grace) noexcept {
    if (over_at_.load(std::memory_order_relaxed) != kNever) return;
    for (std::atomic<pid_t>& process : processes_) {
      const pid_t id = process.load(std::memory_order_relaxed);
      if (id == 0) continue;
      if (::kill(id, 0) == 0 || errno != ESRCH) return;
      process.store(0, std::memory_order_relaxed);
    }
    over_at_.store(static_cast<std::int64_t>(now + grace), std::memory_order_relaxed);
  }

 private:
  static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();
  static constexpr std::size_t kMost = 1024;

  std::atomic<std::int64_t> over_at_;
  std::array<std::atomic<pid_t>, kMost> processes_;
};

}  // namespace nacre::cache
