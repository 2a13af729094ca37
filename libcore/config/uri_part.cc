#include "config/uri_part.h"

#include <algorithm>

#include "base/ascii.h"

namespace nacre::config {
namespace {

/// The URI with an `x` for each byte of its references, which may hold delimiters themselves (`${NAME:-default}`).
std::string without_references(std::string_view written) {
  std::string blank(written);
  for (auto at = blank.find("${"); at != std::string::npos; at = blank.find("${", at)) {
    const auto end = std::min(blank.find('}', at), blank.size() - 1);
    std::fill(blank.begin() + static_cast<std::ptrdiff_t>(at), blank.begin() + static_cast<std::ptrdiff_t>(end) + 1, 'x');
  }
  return blank;
}

std::string percent_encoded(std::string_view text, std::string_view others) {
  constexpr std::string_view kUpperHex = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (is_alnum(c) || others.find(c) != std::string_view::npos) {
      encoded += c;
    } else {
      encoded.append({'%', kUpperHex[byte >> 4U], kUpperHex[byte & 0xFU]});
    }
  }
  return encoded;
}

}  // namespace

std::string as_uri_part(std::string_view written, std::size_t at, std::string_view text) {
  const auto blank = without_references(written);
  const auto slashes = blank.find("://");
  if (slashes == std::string::npos || at < slashes + 3) return std::string(text);
  const auto authority_end = std::min(blank.find_first_of("/?#", slashes + 3), blank.size());
  const auto user_end = blank.substr(0, authority_end).rfind('@');
  if (user_end != std::string::npos && at < user_end) return percent_encoded(text, "-._~");
  if (at < authority_end) return percent_encoded(text, "-._~:,[]");
  return percent_encoded(text, blank.find('?') < at ? "-._~" : "-._~/");
}

}  // namespace nacre::config
