#include "cache/worker_slots.h"

namespace nacre::cache {

void WorkerSlots::init() noexcept {
  entering_.init();
  for (Slot& slot : slots_) slot.alive.init();
}

bool WorkerSlots::runs(Slot& slot) noexcept {
  if (slot.alive.try_lock() == RobustMutex::Attempt::held) return true;
  slot.alive.unlock();
  return false;
}

std::optional<std::size_t> WorkerSlots::take_place() noexcept {
  for (std::size_t place = 0; place < slots_.size(); ++place) {
    Slot& slot = slots_[place];
    // One that is about to leave holds its lock still.
    if (slot.listed.load(std::memory_order_acquire) != 0 || slot.alive.try_lock() == RobustMutex::Attempt::held) continue;
    tell(place, {});
    slot.listed.store(1, std::memory_order_release);
    return place;
  }
  return std::nullopt;
}

void WorkerSlots::leave(std::size_t place) noexcept {
  slots_[place].listed.store(0, std::memory_order_release);
  slots_[place].alive.unlock();
}

}  // namespace nacre::cache
