#pragma once

#include "ngx.hpp"

namespace nacre::nginx {

/// The content handler of a location that has `nacre`.
ngx_int_t handle_request(ngx_http_request_t* r) noexcept;

/// The handler of the phase after a request's header was read: when that was.
ngx_int_t note_beginning(ngx_http_request_t* r) noexcept;

/// The handler of the log phase: counts every request of a server that has such a location.
ngx_int_t count_request(ngx_http_request_t* r) noexcept;

}  // namespace nacre::nginx
