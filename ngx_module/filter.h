#pragma once

#include "ngx.hpp"

namespace nacre::nginx {

/// The filter module: gives every answer of a server that has Nacre its X-Request-Id, and turns nginx's own error pages into
/// problem documents (RFC 9457). It is the first of the filters, and so sees an answer as its handler made it.
extern ngx_http_module_t filter_context;

/// A filter after that of `add_header`: of lines that both have added, the administrator's stay.
extern ngx_http_module_t late_filter_context;

}  // namespace nacre::nginx
