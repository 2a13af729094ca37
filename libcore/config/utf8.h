#pragma once

#include <cstddef>
#include <string_view>

namespace nacre::config {

/// Where the first byte that is not well-formed UTF-8 (RFC 3629) stands; npos when there is none.
std::size_t find_invalid_utf8(std::string_view text) noexcept;

}  // namespace nacre::config
