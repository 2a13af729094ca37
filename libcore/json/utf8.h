#pragma once

#include <cstddef>
#include <string_view>

namespace nacre {

/// Length of the well-formed UTF-8 sequence (RFC 3629: no overlong form, no surrogate, nothing past U+10FFFF) that begins at
/// `text[at]`; 0 when there is none.
std::size_t utf8_sequence(std::string_view text, std::size_t at) noexcept;

/// Number of code points of a well-formed text.
std::size_t count_code_points(std::string_view text) noexcept;

}  // namespace nacre
