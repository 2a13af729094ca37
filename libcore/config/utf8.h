#pragma once

#include <cstddef>
#include <string_view>

namespace nacre::config {

/// Where the first byte that is not well-formed UTF-8 stands (RFC 3629: no surrogates, no overlong forms, up to U+10FFFF); npos
/// when there is none.
std::size_t find_invalid_utf8(std::string_view text) noexcept;

}  // namespace nacre::config
