#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace nacre::schema {

/// A regular expression of ECMA-262 (§22.2) in the syntax of PCRE2 with its options UTF and MATCH_UNSET_BACKREF.
///
/// Texts are code points, as under the flag `u`. What only patterns without it may have is taken too (Annex B.1.2), since most
/// that are published have it: `\-` and `\@`, `]` and `{` as characters, `[\w-.]`. What ECMA-262 does not have is refused,
/// however Annex B would read it: `\A`, `\Z`, `(?i)`, `a++`, `(?>a)`, `[[:alpha:]]`. A lone surrogate matches nothing.
///
/// Error::unprocessable, whose detail says where and why. No recursion: it may run on a fiber, which PCRE2's compiler may not.
Result<std::string> to_pcre2(std::string_view ecma);

/// Whether a text has that syntax.
bool is_regex(std::string_view text);

}  // namespace nacre::schema
