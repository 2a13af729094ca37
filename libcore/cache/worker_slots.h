#pragma once

#include <array>
#include <atomic>
#include <cstdint>

namespace nacre::cache {

/// The processes that use the zone. A worker that ends well leaves; one that is still listed and no longer runs was killed.
/// Workers of an earlier configuration that finish their requests after a reload are listed beside the new ones.
class WorkerSlots {
 public:
  /// Calls `on_death` for each listed process that no longer runs, before it takes it off the list: who finds the list clean
  /// may rely on `on_death` having been called.
  template <class OnDeath>
  bool sweep(OnDeath on_death) noexcept {
    bool found = false;
    for (Slot& slot : slots_) {
      std::uint64_t holder = slot.load(std::memory_order_acquire);
      if (holder == 0 || runs(holder)) continue;
      on_death();
      slot.compare_exchange_strong(holder, 0, std::memory_order_acq_rel);
      found = true;
    }
    return found;
  }

  /// Lists the calling process. False when the list is full.
  bool enter() noexcept;
  void leave() noexcept;

 private:
  using Slot = std::atomic<std::uint64_t>;  ///< 0 or a process: its id and when it started

  /// Twice the 512 workers of one configuration.
  static constexpr std::size_t kSlots = 1024;

  static bool runs(std::uint64_t process) noexcept;

  std::array<Slot, kSlots> slots_;
};

}  // namespace nacre::cache
