#pragma once

#include "ngx.hpp"

namespace nacre::nginx {

/// The slot of a response header that may have several lines: an array before nginx 1.23, linked lines since.
#if nginx_version >= 1023000

using HeaderLines = ngx_table_elt_t*;

inline bool append(ngx_pool_t*, HeaderLines& lines, ngx_table_elt_t* line) noexcept {
  HeaderLines* end = &lines;
  while (*end != nullptr) end = &(*end)->next;
  *end = line;
  return true;
}

#else

using HeaderLines = ngx_array_t;

inline bool append(ngx_pool_t* pool, HeaderLines& lines, ngx_table_elt_t* line) noexcept {
  const bool is_first = lines.elts == nullptr;
  if (is_first && ngx_array_init(&lines, pool, 1, sizeof(ngx_table_elt_t*)) != NGX_OK) return false;
  if (is_first) lines.nelts = 1;
  void* const place = is_first ? lines.elts : ngx_array_push(&lines);
  if (place != nullptr) *static_cast<ngx_table_elt_t**>(place) = line;
  return place != nullptr;
}

#endif

}  // namespace nacre::nginx
