#pragma once

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#define NACRE_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define NACRE_ASAN 1
#endif
#endif

#ifdef NACRE_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace nacre::fiber {

#ifdef NACRE_ASAN
inline constexpr bool kAddressSanitizer = true;  // its frames are several times as large
#else
inline constexpr bool kAddressSanitizer = false;
#endif

/// Memory that a fiber's frames marked and that is now given back: what is mapped there next must not be taken for them.
inline void forget_frames([[maybe_unused]] void* at, [[maybe_unused]] std::size_t size) noexcept {
#ifdef NACRE_ASAN
  __asan_unpoison_memory_region(at, size);
#endif
}

/// Tells AddressSanitizer of each switch between the loop's stack and a fiber's; nothing at all without it.
class SanitizedStack {
 public:
#ifdef NACRE_ASAN
  /// On the loop's stack, before and after the fiber runs.
  template <class Stack>
  void entering(const Stack& stack) noexcept {
    __sanitizer_start_switch_fiber(&loop_fake_, stack.bottom(), stack.size());
  }
  void left() noexcept { __sanitizer_finish_switch_fiber(loop_fake_, nullptr, nullptr); }
  /// On the fiber's stack, after it was entered and before it is left.
  void entered() noexcept { __sanitizer_finish_switch_fiber(own_fake_, &loop_bottom_, &loop_size_); }
  void leaving() noexcept { __sanitizer_start_switch_fiber(&own_fake_, loop_bottom_, loop_size_); }
  void leaving_for_good() noexcept {
    __sanitizer_start_switch_fiber(nullptr, loop_bottom_, loop_size_);
    own_fake_ = nullptr;
  }

 private:
  void* loop_fake_ = nullptr;
  void* own_fake_ = nullptr;
  const void* loop_bottom_ = nullptr;
  std::size_t loop_size_ = 0;
#else
  template <class Stack>
  void entering(const Stack&) noexcept {}
  void left() noexcept {}
  void entered() noexcept {}
  void leaving() noexcept {}
  void leaving_for_good() noexcept {}
#endif
};

}  // namespace nacre::fiber
