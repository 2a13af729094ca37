#pragma once

#include <string_view>

namespace nacre::schema {

/// RFC 3986 §3: with a scheme.
bool is_uri(std::string_view text);
/// RFC 3986 §4.1: a URI or a relative reference.
bool is_uri_reference(std::string_view text);
/// RFC 3987 §2.2: the same with characters beyond ASCII.
bool is_iri(std::string_view text);
bool is_iri_reference(std::string_view text);

}  // namespace nacre::schema
