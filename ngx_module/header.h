#pragma once

#include <string_view>

#include "ngx.hpp"

namespace nacre::nginx {

/// Adds a header to an answer; name and value live as long as the request. nullptr without memory.
ngx_table_elt_t* add_header(ngx_http_request_t* r, std::string_view name, std::string_view value) noexcept;

}  // namespace nacre::nginx
