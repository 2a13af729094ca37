#pragma once

#include <optional>
#include <string_view>

#include "ngx.hpp"

namespace nacre::nginx {

/// Whether a request's own URI, as the client wrote it, is in a location with `nacre`, as far as only those are looked at: for
/// what nginx refuses as soon as it has found the location (413).
bool would_have_reached_nacre(ngx_http_request_t* r) noexcept;

/// What the `Allow` of a 405 that nginx itself answers says (RFC 9110 §15.5.6), where a location with `nacre` would have had
/// the request: nginx refuses TRACE and CONNECT before it looks for a location. nullopt for the locations of others.
std::optional<std::string_view> allowed_methods(ngx_http_request_t* r);

}  // namespace nacre::nginx
