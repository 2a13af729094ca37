#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace nacre::schema {

/// A reference read from the place `base` (RFC 3986 §5.2). `base` may be empty: then the reference stays as it is.
std::string resolve_uri(std::string_view base, std::string_view reference);

/// A URI in two parts: before its `#`, and after it ("" without one).
std::pair<std::string, std::string> split_fragment(std::string_view uri);

/// `%20` and the like as what they stand for; nullopt when a % has no two digits.
std::optional<std::string> percent_decoded(std::string_view text);

/// Whether a reference names its scheme (`https:`): its length with the colon, or 0.
std::size_t scheme_length(std::string_view text);

}  // namespace nacre::schema
