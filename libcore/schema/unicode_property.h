#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace nacre::schema {

/// What `\p{NAME}` of ECMA-262 (§22.2.1.9, tables 66 to 69) is for PCRE2, without the `\p`: `Letter` gives "{L}",
/// `Script=Greek` gives "{sc:Greek}". nullopt: ECMA-262 has no such property. PCRE2 judges the names of scripts.
std::optional<std::string> unicode_property(std::string_view name);

}  // namespace nacre::schema
