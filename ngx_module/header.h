#pragma once

#include <array>
#include <string_view>

#include "ngx.hpp"

namespace nacre::nginx {

/// Adds a header to an answer; name and value live as long as the request. It stands where nginx and its modules look for it,
/// as if `proxy_pass` had read it, so that `expires` changes the one line of Cache-Control. nullptr without memory.
ngx_table_elt_t* add_header(ngx_http_request_t* r, std::string_view name, std::string_view value) noexcept;
/// The same for a header that has a slot of its own.
bool add_header(ngx_http_request_t* r, ngx_table_elt_t* ngx_http_headers_out_t::*slot, std::string_view name,
                std::string_view value) noexcept;

/// The same for what a handler gave its answer: a Content-Type is the body's, and what nginx decides by itself (Content-Length,
/// what concerns the connection only) is left out. False without memory.
bool take_header(ngx_http_request_t* r, std::string_view name, std::string_view value) noexcept;

/// The type of an answer's body.
void set_content_type(ngx_http_request_t* r, std::string_view type) noexcept;

/// Calls `see(ngx_table_elt_t&)` for each line of an answer's header that is to be sent. nginx adds Date, Server, Content-Type
/// and Content-Length later, when nobody else did.
template <class See>
void each_header(ngx_http_request_t* r, See see) {
  for (ngx_list_part_t* part = &r->headers_out.headers.part; part != nullptr; part = part->next) {
    auto* const lines = static_cast<ngx_table_elt_t*>(part->elts);
    for (ngx_uint_t i = 0; i < part->nelts; ++i) {
      if (lines[i].hash != 0) see(lines[i]);
    }
  }
}

/// The lines that Nacre adds to answers of others, its X-Request-Id above all: each gives way to a line of the same name that
/// the administrator adds (`add_header X-Request-Id $request_id always`), so that there is one.
class OwnLines {
 public:
  /// Adds a line unless the answer has one of that name. False without memory.
  bool add(ngx_http_request_t* r, std::string_view name, std::string_view value) noexcept;
  /// Called when all that add lines have done so.
  void give_way(ngx_http_request_t* r) const noexcept;
  void clear() noexcept { *this = {}; }

 private:
  std::array<ngx_table_elt_t*, 4> lines_{};
  std::size_t count_ = 0;
  const void* end_ = nullptr;  ///< of the lines that were there when the last was added
};

bool has_header(ngx_http_request_t* r, std::string_view name) noexcept;

}  // namespace nacre::nginx
