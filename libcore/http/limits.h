#pragma once

#include <cstddef>

namespace nacre::http {

/// A body that is longer is 413, whatever nginx's client_max_body_size says: what a request takes is several times its body.
inline constexpr std::size_t kMaxBody = 4UL << 20U;

}  // namespace nacre::http
