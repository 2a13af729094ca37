#pragma once

#include <array>
#include <string_view>

#include "header_lines.h"
#include "http/response.h"
#include "ngx.hpp"

namespace nacre::nginx {

/// As ngx_list_push, inlined where the list has room.
inline ngx_table_elt_t* push_line(ngx_list_t& lines) noexcept {
  ngx_list_part_t& last = *lines.last;
  if (last.nelts == lines.nalloc) return static_cast<ngx_table_elt_t*>(ngx_list_push(&lines));
  return static_cast<ngx_table_elt_t*>(last.elts) + last.nelts++;
}

/// Adds a line to an answer's header; name and value live as long as the request. nullptr without memory.
inline ngx_table_elt_t* add_line(ngx_http_request_t* r, std::string_view name, std::string_view value) noexcept {
  ngx_table_elt_t* const line = push_line(r->headers_out.headers);
  if (line == nullptr) return nullptr;
  *line = ngx_table_elt_t{};
  line->hash = 1;
  line->key = to_ngx_str(name);
  line->value = to_ngx_str(value);
  return line;
}

/// Puts a line where nginx and its modules look for one of its name. False without memory.
bool put_in_slot(ngx_http_request_t* r, std::string_view name, ngx_table_elt_t* line) noexcept;
/// Adds a line, and puts it there as well, as if `proxy_pass` had read it, so that `expires` changes the one line of
/// Cache-Control.
inline ngx_table_elt_t* add_header(ngx_http_request_t* r, std::string_view name, std::string_view value) noexcept {
  ngx_table_elt_t* const line = add_line(r, name, value);
  return line != nullptr && put_in_slot(r, name, line) ? line : nullptr;
}
/// The same for one name. False without memory.
inline bool add_cache_control(ngx_http_request_t* r, std::string_view value) noexcept {
  ngx_table_elt_t* const line = add_line(r, "Cache-Control", value);
  return line != nullptr && append(r->pool, r->headers_out.cache_control, line);
}

/// Adds what a handler gave its answer: a Content-Type is the body's, and what nginx decides by itself (Content-Length,
/// what concerns the connection only) is left out. False without memory.
bool take_header(ngx_http_request_t* r, std::string_view name, std::string_view value) noexcept;

/// Tells nginx of the parameters of the body's type.
void take_parameters(ngx_http_headers_out_t& out) noexcept;
/// The type of an answer's body.
inline void set_content_type(ngx_http_request_t* r, std::string_view type) noexcept {
  ngx_http_headers_out_t& out = r->headers_out;
  out.content_type = to_ngx_str(type);
  out.content_type_len = type.size();
  out.content_type_lowcase = nullptr;
  out.charset = {};
  if (type.data() != http::kJson.data()) take_parameters(out);
}

/// Whether `is(ngx_table_elt_t&)` of a line of an answer's header that is to be sent. nginx adds Date, Server, Content-Type and
/// Content-Length later, when nobody else did.
template <class Is>
bool any_header(ngx_http_request_t* r, Is is) {
  for (ngx_list_part_t* part = &r->headers_out.headers.part; part != nullptr; part = part->next) {
    auto* const lines = static_cast<ngx_table_elt_t*>(part->elts);
    for (ngx_uint_t i = 0; i < part->nelts; ++i) {
      if (lines[i].hash != 0 && is(lines[i])) return true;
    }
  }
  return false;
}
/// Calls `see(ngx_table_elt_t&)` for each of these lines.
template <class See>
void each_header(ngx_http_request_t* r, See see) {
  any_header(r, [&](ngx_table_elt_t& line) {
    see(line);
    return false;
  });
}

/// The lines that Nacre adds to answers of others, its X-Request-Id above all: each gives way to a line of the same name that
/// the administrator adds (`add_header X-Request-Id $request_id always`), so that there is one.
class OwnLines {
 public:
  /// Adds a line unless the answer has one of that name. False without memory.
  bool add(ngx_http_request_t* r, std::string_view name, std::string_view value) noexcept;
  /// Called when all that add lines have done so.
  void give_way(ngx_http_request_t* r) const noexcept;
  void clear() noexcept { count_ = 0; }

 private:
  std::array<ngx_table_elt_t*, 4> lines_{};
  std::size_t count_ = 0;
  const void* end_ = nullptr;  ///< of the lines that were there when the last was added
};

}  // namespace nacre::nginx
