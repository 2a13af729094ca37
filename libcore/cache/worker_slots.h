#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <tuple>

#include "base/robust_mutex.h"

namespace nacre::cache {

/// The processes that use the zone. Each holds the lock of its slot as long as it runs, so the kernel tells who died. A worker
/// that ends well leaves; one that is still listed and holds its lock no more was killed. Workers of an earlier configuration
/// that finish their requests after a reload are listed beside the new ones.
class WorkerSlots {
 public:
  /// Prepares zeroed memory; once.
  void init() noexcept;

  struct Entered {
    std::optional<std::size_t> place;  ///< of the caller's own; none when the list is full
    bool died;                         ///< `on_death` was called
  };
  /// Lists the calling process. Before that, calls `on_death` for each listed process that no longer runs and takes it off the
  /// list; who enters may rely on that having been done for all, by itself or another.
  template <class OnDeath>
  Entered enter(OnDeath on_death) noexcept {
    (void)entering_.lock();  // one that died in here left nothing half done
    Entered entered{std::nullopt, false};
    for (Slot& slot : slots_) {
      if (slot.listed.load(std::memory_order_acquire) == 0 || runs(slot)) continue;
      on_death();
      slot.listed.store(0, std::memory_order_release);
      entered.died = true;
    }
    entered.place = take_place();
    entering_.unlock();
    return entered;
  }
  void leave(std::size_t place) noexcept;

  /// What a process has to say, word by word.
  using Words = std::array<std::uint64_t, 2>;
  /// What the process at a place has to say, in place of what it said before.
  void tell(std::size_t place, const Words& words) noexcept {
    for (std::size_t i = 0; i < words.size(); ++i) slots_[place].words[i].store(words[i], std::memory_order_relaxed);
  }
  /// Calls `visit` with the words of each listed process; one that died is listed until the next one enters.
  template <class Visit>
  void each(Visit visit) const noexcept {
    for (const Slot& slot : slots_) {
      if (slot.listed.load(std::memory_order_acquire) == 0) continue;
      Words words;
      for (std::size_t i = 0; i < words.size(); ++i) words[i] = slot.words[i].load(std::memory_order_relaxed);
      visit(words);
    }
  }

 private:
  struct Slot {
    RobustMutex alive;  ///< held by the process that is listed here
    std::atomic<std::uint64_t> listed;
    std::array<std::atomic<std::uint64_t>, std::tuple_size_v<Words>> words;
  };

  /// Twice the 512 workers of one configuration.
  static constexpr std::size_t kSlots = 1024;

  static bool runs(Slot& slot) noexcept;
  std::optional<std::size_t> take_place() noexcept;

  RobustMutex entering_;
  std::array<Slot, kSlots> slots_;
};

}  // namespace nacre::cache
