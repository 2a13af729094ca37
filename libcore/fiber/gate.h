#pragma once

#include <cstddef>
#include <memory>

#include "base/error.h"
#include "fiber/fiber.h"

namespace nacre::fiber {

/// Lets fibers in as long as all that they hold stays within a capacity; the others wait in the order of their coming. Loop's
/// thread only.
class Gate {
 public:
  explicit Gate(std::size_t capacity) : capacity_(capacity) {}
  ~Gate() = default;
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  /// What was let in; leaves when the last copy of it is gone, on the loop. The gate must outlive it.
  using Pass = std::shared_ptr<const void>;

  /// Waits until `weight` fits (all of the capacity where it is more). Error::deadline or Error::cancelled, if that comes
  /// first.
  Result<Pass> enter(std::size_t weight);

  std::size_t held() const noexcept { return held_; }

 private:
  struct Waiter {
    std::size_t weight;
    Event admitted{};
    Waiter* next = nullptr;
  };
  void admit();
  void leave(std::size_t weight);
  void remove(const Waiter& waiter) noexcept;

  const std::size_t capacity_;
  std::size_t held_ = 0;
  Waiter* first_ = nullptr;
};

}  // namespace nacre::fiber
