#include "fiber/tries.h"

#include <sodium.h>

#include <algorithm>

#include "fiber/fiber.h"

namespace nacre::fiber {

Tries Tries::within_deadline() {
  const Monotonic now = reactor().now();
  return Tries(now + (deadline() - now) * 3 / 4);
}

bool Tries::again() {
  constexpr std::int64_t kFirst = 10;
  constexpr std::uint32_t kMostDoublings = 5;
  Milliseconds pause{0};
  if (tried_++ > 0) {
    const auto most = static_cast<std::uint32_t>(kFirst << std::min(tried_ - 2, kMostDoublings));
    pause = Milliseconds{most / 2 + randombytes_uniform(most / 2 + 1)};
  }
  if (reactor().now() + pause >= until_ || cancelled()) return false;
  return pause == Milliseconds{0} || sleep(pause).has_value();
}

Failure outrun() { return {Error::overloaded, "others change the document faster than this request; try again later"}; }

}  // namespace nacre::fiber
