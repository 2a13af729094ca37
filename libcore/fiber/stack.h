#pragma once

#include <boost/context/stack_context.hpp>
#include <cstddef>
#include <optional>
#include <utility>

namespace nacre::fiber {

/// A stack with a guard page below it: running out of it is a fault at once, never a write into a neighbour.
class Stack {
 public:
  /// `size` bytes, rounded up to pages. nullopt when the system has no memory or no mapping left.
  static std::optional<Stack> allocate(std::size_t size) noexcept;

  Stack(Stack&& other) noexcept
      : mapping_(std::exchange(other.mapping_, nullptr)), mapped_(other.mapped_), valgrind_id_(other.valgrind_id_) {}
  Stack& operator=(Stack&&) = delete;
  ~Stack();

  void* bottom() const noexcept;
  void* top() const noexcept;
  std::size_t size() const noexcept;
  boost::context::stack_context context() const noexcept;

 private:
  Stack(void* mapping, std::size_t mapped) noexcept;

  void* mapping_;
  std::size_t mapped_;
  unsigned valgrind_id_ = 0;
};

}  // namespace nacre::fiber
