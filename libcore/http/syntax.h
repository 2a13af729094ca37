#pragma once

#include <algorithm>
#include <string_view>

#include "base/ascii.h"

/// What may stand in a message's head. Whatever is not checked so can end a line of it and open another one.
namespace nacre::http {

constexpr bool is_control(char c) noexcept { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

/// A field's name, a method (RFC 9110 §5.6.2).
constexpr bool is_token(std::string_view text) noexcept {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [&](char c) { return is_alnum(c) || kMarks.find(c) != std::string_view::npos; });
}

/// A field's value (RFC 9110 §5.5): no control characters but the tab.
constexpr bool is_field_value(std::string_view value) noexcept {
  return std::none_of(value.begin(), value.end(), [](char c) { return is_control(c) && c != '\t'; });
}

/// An entity tag with its quotes (RFC 9110 §8.8.3).
constexpr bool is_entity_tag(std::string_view tag) noexcept {
  if (tag.starts_with("W/")) tag.remove_prefix(2);
  if (tag.size() < 2 || tag.front() != '"' || tag.back() != '"') return false;
  const std::string_view opaque = tag.substr(1, tag.size() - 2);
  return std::none_of(opaque.begin(), opaque.end(), [](char c) { return is_control(c) || c == ' ' || c == '"'; });
}

}  // namespace nacre::http
