#pragma once

#include <string_view>

namespace nacre::schema {

/// Whether a text is a regular expression by the syntax of ECMA-262, `u` flag or not. Only its form is looked at, without
/// recursion: PCRE2's compiler wants 20 KiB of stack and more, which is nothing for a client to ask of a fiber.
bool is_regex(std::string_view text);

}  // namespace nacre::schema
