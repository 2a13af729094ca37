#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

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
      std::uint64_t holder = slot.process.load(std::memory_order_acquire);
      if (holder == 0 || runs(holder)) continue;
      on_death();
      slot.process.compare_exchange_strong(holder, 0, std::memory_order_acq_rel);
      found = true;
    }
    return found;
  }

  /// Lists the calling process, at a place of its own. nullopt when the list is full.
  std::optional<std::size_t> enter() noexcept;
  void leave() noexcept;

  /// What the process at a place has to say, in place of what it said before.
  void tell(std::size_t place, std::uint64_t word) noexcept { slots_[place].word.store(word, std::memory_order_relaxed); }
  /// Calls `visit` with the word of each listed process that runs.
  template <class Visit>
  void each_word(Visit visit) const noexcept {
    for (const Slot& slot : slots_) {
      const std::uint64_t holder = slot.process.load(std::memory_order_acquire);
      if (holder != 0 && runs(holder)) visit(slot.word.load(std::memory_order_relaxed));
    }
  }

 private:
  struct Slot {
    std::atomic<std::uint64_t> process;  ///< 0, or its id and when it started
    std::atomic<std::uint64_t> word;
  };

  /// Twice the 512 workers of one configuration.
  static constexpr std::size_t kSlots = 1024;

  static bool runs(std::uint64_t process) noexcept;

  std::array<Slot, kSlots> slots_;
};

}  // namespace nacre::cache
