#pragma once

#include <optional>
#include <string_view>

#include "ngx.hpp"

namespace nacre::nginx {

/// What the `Allow` of a 405 that nginx itself answers says (RFC 9110 §15.5.6), where a location with `nacre` would have had
/// the request: nginx refuses TRACE and CONNECT before it looks for a location. nullopt for the locations of others.
std::optional<std::string_view> allowed_methods(ngx_http_request_t* r);

}  // namespace nacre::nginx
