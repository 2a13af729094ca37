#include "header.h"

namespace nacre::nginx {

ngx_table_elt_t* add_header(ngx_http_request_t* r, std::string_view name, std::string_view value) noexcept {
  auto* const header = static_cast<ngx_table_elt_t*>(ngx_list_push(&r->headers_out.headers));
  if (header == nullptr) return nullptr;
  *header = ngx_table_elt_t{};
  header->hash = 1;
  header->key = to_ngx_str(name);
  header->value = to_ngx_str(value);
  return header;
}

}  // namespace nacre::nginx
