#include "config/surrogates.h"

#include "base/ascii.h"

namespace nacre::config {
namespace {

constexpr std::size_t kEscapeLength = 6;

/// Whether an escape `\uXYzz` begins here, X being one of `first`, and Y of 8 to f, as in those of surrogates.
bool is_escape(std::string_view text, std::size_t at, std::string_view first) {
  if (text.size() - at < kEscapeLength || text[at] != '\\' || text[at + 1] != 'u') return false;
  const char second = to_lower(text[at + 3]);
  return first.find(text[at + 2]) != std::string_view::npos &&
         (second == '8' || second == '9' || (second >= 'a' && second <= 'f')) && is_hex(text[at + 4]) && is_hex(text[at + 5]);
}

/// U+E800 to U+EFFF in UTF-8.
bool is_stand_in(std::string_view text, std::size_t at) {
  return text.size() - at >= 3 && text[at] == '\xEE' && static_cast<unsigned char>(text[at + 1]) >= 0xA0;
}

std::uint32_t surrogate_of(std::string_view text, std::size_t at) {
  const auto bits = [&](std::size_t i) { return static_cast<unsigned char>(text[at + i]) & 0x3FU; };
  return 0xD000U | ((bits(1) << 6U | bits(2)) & 0xFFFU);
}

}  // namespace

Surrogates::Surrogates(std::string_view text) : text_(text) {
  bool stand_ins = false;
  for (std::size_t i = 0; i < text_.size(); ++i) {
    if (is_escape(text_, i, "dD")) {
      text_[i + 2] = text_[i + 2] == 'd' ? 'e' : 'E';
      any_ = true;
    } else {
      stand_ins = stand_ins || is_escape(text_, i, "eE") || is_stand_in(text_, i);
      continue;
    }
    i += kEscapeLength - 1;
  }
  ambiguous_ = any_ && stand_ins;
}

bool Surrogates::restore(std::string& scalar) const {
  if (!any_) return true;
  std::string result;
  for (std::size_t i = 0; i < scalar.size(); ++i) {
    if (is_escape(scalar, i, "eE")) {
      result.append("\\u").append(scalar[i + 2] == 'e' ? "d" : "D");
      i += 2;
    } else if (is_stand_in(scalar, i)) {
      const auto high = surrogate_of(scalar, i);
      if (high >= 0xDC00 || !is_stand_in(scalar, i + 3)) return false;
      const auto low = surrogate_of(scalar, i + 3);
      if (low < 0xDC00) return false;
      append_utf8(result, 0x10000 + ((high - 0xD800) << 10U) + (low - 0xDC00));
      i += 5;
    } else {
      result += scalar[i];
    }
  }
  scalar = std::move(result);
  return true;
}

void append_utf8(std::string& out, std::uint32_t c) {
  const auto put = [&out](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (c < 0x80) return put(c);
  if (c < 0x800) {
    put(0xC0 | c >> 6U);
  } else {
    if (c < 0x10000) {
      put(0xE0 | c >> 12U);
    } else {
      put(0xF0 | c >> 18U);
      put(0x80 | (c >> 12U & 0x3FU));
    }
    put(0x80 | (c >> 6U & 0x3FU));
  }
  put(0x80 | (c & 0x3FU));
}

}  // namespace nacre::config
