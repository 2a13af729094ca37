#include "fiber/gate.h"

#include <algorithm>

namespace nacre::fiber {

Result<Gate::Pass> Gate::enter(std::size_t weight) {
  Waiter waiter{std::min(weight, capacity_)};
  Waiter** last = &first_;
  while (*last != nullptr) last = &(*last)->next;
  *last = &waiter;
  admit();
  if (auto waited = waiter.admitted.wait(); !waited) {
    // It may have been admitted in the same turn of the loop.
    if (waiter.admitted.is_set()) {
      leave(waiter.weight);
    } else {
      remove(waiter);
    }
    return waited.error();
  }
  return Pass(this, [weight = waiter.weight](Gate* gate) { gate->leave(weight); });
}

/// In order: a large one is not overtaken for ever.
void Gate::admit() {
  while (first_ != nullptr && held_ + first_->weight <= capacity_) {
    Waiter& waiter = *first_;
    first_ = waiter.next;
    held_ += waiter.weight;
    waiter.admitted.set();
  }
}

void Gate::leave(std::size_t weight) {
  held_ -= weight;
  admit();
}

void Gate::remove(const Waiter& waiter) noexcept {
  for (Waiter** link = &first_; *link != nullptr; link = &(*link)->next) {
    if (*link != &waiter) continue;
    *link = waiter.next;
    break;
  }
  admit();  // those behind it may be lighter
}

}  // namespace nacre::fiber
