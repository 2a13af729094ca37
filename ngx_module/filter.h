#pragma once

#include "ngx.hpp"

namespace nacre::nginx {

/// The filter module: gives every answer of a server that has Nacre its X-Request-Id, and turns the errors that nginx itself
/// answers with into problem documents (RFC 9457).
extern ngx_http_module_t filter_context;

}  // namespace nacre::nginx
