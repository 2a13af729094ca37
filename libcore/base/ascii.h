#pragma once

#include <cstddef>
#include <string_view>

namespace nacre {

/// ASCII letters only, whatever the locale.
constexpr char to_lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }
constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
constexpr bool is_letter(char c) noexcept { return to_lower(c) >= 'a' && to_lower(c) <= 'z'; }
constexpr bool is_alnum(char c) noexcept { return is_digit(c) || is_letter(c); }
constexpr bool is_hex(char c) noexcept { return is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'f'); }

/// Of texts of one size. Not inlined, for most names differ in what `equals_ignoring_case` looks at before.
[[gnu::noinline]] constexpr bool all_equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
  if (a == b) return true;  // as a rule they are written alike
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (to_lower(a[i]) != to_lower(b[i])) return false;
  }
  return true;
}

constexpr bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept {
  constexpr unsigned kCase = 'a' ^ 'A';
  if (a.size() != b.size()) return false;
  if (!a.empty() && ((static_cast<unsigned char>(a[0]) ^ static_cast<unsigned char>(b[0])) | kCase) != kCase) return false;
  return all_equal_ignoring_case(a, b);
}

/// Without the spaces and tabs at both ends (OWS of RFC 9110 §5.6.3).
constexpr std::string_view trim(std::string_view text) noexcept {
  const auto is_space = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace nacre
