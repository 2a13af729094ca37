#include "config/utf8.h"

namespace nacre::config {
namespace {

struct Sequence {
  std::size_t length = 0;     ///< 0: no sequence begins so
  unsigned char low = 0x80;   ///< what the second byte may be, at least ...
  unsigned char high = 0xBF;  ///< ... and at most
};

/// RFC 3629 §4, one line of its grammar for each range of first bytes.
constexpr Sequence sequence(unsigned char first) noexcept {
  if (first < 0x80) return {1};
  if (first < 0xC2) return {0};
  if (first < 0xE0) return {2};
  if (first == 0xE0) return {3, 0xA0, 0xBF};
  if (first == 0xED) return {3, 0x80, 0x9F};
  if (first < 0xF0) return {3};
  if (first == 0xF0) return {4, 0x90, 0xBF};
  if (first < 0xF4) return {4};
  if (first == 0xF4) return {4, 0x80, 0x8F};
  return {0};
}

}  // namespace

std::size_t find_invalid_utf8(std::string_view text) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  for (std::size_t at = 0; at < text.size();) {
    const auto [length, low, high] = sequence(byte(at));
    if (length == 0 || length > text.size() - at) return at;
    if (length > 1 && (byte(at + 1) < low || byte(at + 1) > high)) return at;
    for (std::size_t i = 2; i < length; ++i) {
      if ((byte(at + i) & 0xC0U) != 0x80U) return at;
    }
    at += length;
  }
  return std::string_view::npos;
}

}  // namespace nacre::config
