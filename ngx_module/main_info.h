#pragma once

#include <array>
#include <chrono>
#include <optional>
#include <string_view>

#include "base/time.h"
#include "header.h"
#include "ngx.hpp"

namespace nacre::nginx {

class RequestCtx;

/// What is known of a client's request whichever locations answer it, and shared by its subrequests: lives in the request's
/// pool and survives internal redirects, which wipe the contexts.
struct MainInfo {
  /// Of `r->main`, made when there is none yet. nullptr without memory.
  static MainInfo* of(ngx_http_request_t* r) noexcept;
  /// Of `r->main`, or nullptr when there is none yet.
  static MainInfo* find(ngx_http_request_t* r) noexcept;

  std::string_view id() const noexcept { return {id_text.data(), id_text.size()}; }

  std::array<char, 32> id_text;
  RequestCtx* contexts = nullptr;       ///< of the request and its subrequests, the newest first; destroyed with this
  ngx_chain_t* problem_body = nullptr;  ///< a problem document that takes the place of nginx's own error page
  OwnLines own_lines;                   ///< of the header
  bool reached_nacre = false;           ///< a location with `nacre`; noted where CORS is configured
  ngx_uint_t nginx_page = 0;  ///< which of nginx's own pages the answer is, or was before a problem document took its place
  std::optional<std::chrono::steady_clock::time_point> read_at;  ///< when the request's header had been read, if it ever was
  Milliseconds reading{};                                        ///< how long that took, by nginx's own clock
};

}  // namespace nacre::nginx
