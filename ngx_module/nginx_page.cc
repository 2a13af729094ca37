#include "nginx_page.h"

#include <array>

namespace nacre::nginx {

namespace {

/// What tells one of nginx's pages from all else: where its own text "text/html" stands, and the exact length.
struct Page {
  std::string_view type;
  off_t length = -1;

  bool operator==(const Page& other) const noexcept {
    return length == other.length && type.size() == other.type.size() && (type.empty() || type.data() == other.type.data());
  }
};

Page page_of(const ngx_http_request_t& r) noexcept {
  return {to_view(r.headers_out.content_type), r.headers_out.content_length_n};
}

Page seen_page;

ngx_int_t look_at_page(ngx_http_request_t* r) noexcept {
  seen_page = page_of(*r);
  return NGX_ERROR;  // nginx goes no further with it
}

/// The page that nginx would make of a code for a request like `r`: nginx itself is asked, with a request that has only what it
/// looks at for that, so that no version's table of pages is repeated here.
Page page_for(const ngx_http_request_t& r, ngx_uint_t code) noexcept {
  ngx_http_request_t like{};
  like.main = &like;
  like.connection = r.connection;
  like.loc_conf = r.loc_conf;
  like.http_version = r.http_version;
  like.headers_in.msie = r.headers_in.msie;
  like.headers_in.chrome = r.headers_in.chrome;
  like.error_page = 1;    // no `error_page`
  like.discard_body = 1;  // no body to read
  const auto top = ngx_http_top_header_filter;
  ngx_http_top_header_filter = look_at_page;
  seen_page = {};
  ngx_http_special_response_handler(&like, static_cast<ngx_int_t>(code));
  ngx_http_top_header_filter = top;
  return seen_page;
}

constexpr std::array<ngx_uint_t, 4> kKindsOf400 = {NGX_HTTP_REQUEST_HEADER_TOO_LARGE, NGX_HTTPS_CERT_ERROR, NGX_HTTPS_NO_CERT,
                                                   NGX_HTTP_TO_HTTPS};

}  // namespace

ngx_uint_t nginx_error_page(const ngx_http_request_t& r) noexcept {
  // Set by whoever goes the way of error pages, and left so where an `error_page` leads to another handler.
  const ngx_uint_t status = r.err_status;
  if (status < NGX_HTTP_BAD_REQUEST || r.headers_out.status != status) return 0;
  const Page page = page_of(r);
  if (page == page_for(r, status)) return status;
  if (status != NGX_HTTP_BAD_REQUEST) return 0;
  for (const ngx_uint_t code : kKindsOf400) {
    if (page == page_for(r, code)) return code;
  }
  return 0;
}

}  // namespace nacre::nginx
