#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// JSON Pointer (RFC 6901).
namespace nacre {

/// The reference tokens of a pointer, unescaped; nullopt when it is malformed. "" is the whole document: no tokens.
std::optional<std::vector<std::string>> parse_pointer(std::string_view text);

/// Appends `/` and a token, escaped.
void append_pointer_token(std::string& pointer, std::string_view token);
void append_pointer_token(std::string& pointer, std::size_t index);

/// An array index as RFC 6901 §4 writes it (no sign, no leading zero); nullopt for anything else.
std::optional<std::size_t> parse_array_index(std::string_view token) noexcept;

}  // namespace nacre
