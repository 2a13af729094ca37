#pragma once

#include "ngx.hpp"

namespace nacre::nginx {

/// Whether the answer whose header is about to be sent is one of nginx's own error pages ("<center><h1>404 Not Found</h1>" or
/// an empty body for a status that it has no page for), and which: a status, or one of nginx's own codes for a 400 (494: the
/// header is too large, 495 and 496: the client's certificate, 497: HTTP to an HTTPS port). 0: it is not, but another handler's
/// answer, whose status may be an `error_page`'s.
ngx_uint_t nginx_error_page(const ngx_http_request_t& r) noexcept;

}  // namespace nacre::nginx
