#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace nacre::config {

/// What is substituted in a URI is one part of it, whatever characters it has: a password may hold `@` and `/`. `written` is
/// the URI with its references (`redis://u:${PW}@h`), `at` where the one stands that `text` replaces. Gives `text`
/// percent-encoded as that part needs it (RFC 3986 §3). A host keeps the `:` and `,` of ports and lists, a path its `/`. Where
/// the reference is all of the URI, or its scheme, and after a scheme without `//` (`sqlite:`), the text stays as it is.
std::string as_uri_part(std::string_view written, std::size_t at, std::string_view text);

}  // namespace nacre::config
