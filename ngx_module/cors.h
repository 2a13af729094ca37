#pragma once

#include "ngx.hpp"

/// CORS, where nacre.yaml has `cors` (http/cors.h). They do nothing without.
namespace nacre::nginx {

/// The handler of the access phase: answers the preflights of a location that has `nacre`, after limit_req and before whatever
/// asks for a credential, since a preflight carries none.
ngx_int_t answer_preflight(ngx_http_request_t* r) noexcept;

/// The handler of the rewrite phase: notes that a request reached a location with `nacre`, whatever answers it in the end.
ngx_int_t note_location(ngx_http_request_t* r) noexcept;

/// Gives the answer to a main request of a server that has `nacre` its headers, nginx's own errors and redirects included.
/// Called when `add_header` has added its lines: one is left of what should be one. False without memory.
bool add_cors(ngx_http_request_t* r) noexcept;

}  // namespace nacre::nginx
