#include "filter.h"

#include "allow.h"
#include "conf.h"
#include "cors.h"
#include "header.h"
#include "http/problem.h"
#include "http/response.h"
#include "main_info.h"
#include "nginx_page.h"

namespace nacre::nginx {

namespace {

ngx_http_output_header_filter_pt next_header_filter;
ngx_http_output_body_filter_pt next_body_filter;
ngx_http_output_header_filter_pt next_late_filter;

/// Words for the errors whose phrase alone would not help; `code` as `nginx_error_page` has it.
std::string_view detail_of(ngx_uint_t code) noexcept {
  switch (code) {
    case NGX_HTTP_NOT_FOUND:
      return "there is nothing at this path";
    case NGX_HTTP_REQUEST_ENTITY_TOO_LARGE:
      return "the body is larger than this server takes";
    case NGX_HTTP_TOO_MANY_REQUESTS:
      return "too many requests from this address";
    case NGX_HTTP_REQUEST_HEADER_TOO_LARGE:
      return "the header is larger than this server takes";
    case NGX_HTTPS_CERT_ERROR:
      return "the client's certificate is not accepted";
    case NGX_HTTPS_NO_CERT:
      return "a client's certificate is required";
    case NGX_HTTP_TO_HTTPS:
      return "this port takes HTTPS only";
    default:
      return {};
  }
}

/// One second is enough for limit_req: it refuses the excess alone, and at a request a second or more one has drained by then.
constexpr std::string_view kRetryAfter = "1";

bool add_lines(ngx_http_request_t* r, OwnLines& lines) {
  const auto status = r->headers_out.status;
  const bool retry = status == NGX_HTTP_TOO_MANY_REQUESTS || status == NGX_HTTP_SERVICE_UNAVAILABLE;
  if (retry && !lines.add(r, "Retry-After", kRetryAfter)) return false;
  if (status == NGX_HTTP_NOT_ALLOWED) {
    if (const auto allow = allowed_methods(r); allow && !lines.add(r, "Allow", *allow)) return false;
  }
  return lines.add(r, "Cache-Control", "no-store");
}

/// Puts a problem document in the place of nginx's own page. nullptr without memory.
ngx_chain_t* replace_by_problem(ngx_http_request_t* r, ngx_uint_t code, std::string_view id) {
  const auto status = static_cast<int>(r->headers_out.status);
  const std::string document = http::problem_document(status, detail_of(code), id);
  auto* const buffer = ngx_create_temp_buf(r->pool, document.size());
  ngx_chain_t* const chain = ngx_alloc_chain_link(r->pool);
  if (buffer == nullptr || chain == nullptr) return nullptr;
  buffer->last = ngx_cpymem(buffer->last, document.data(), document.size());
  buffer->last_buf = 1;
  buffer->last_in_chain = 1;
  *chain = {buffer, nullptr};
  r->headers_out.content_length_n = static_cast<off_t>(document.size());
  set_content_type(r, http::kProblemJson);
  return chain;
}

bool is_ours(ngx_http_request_t* r) noexcept {
  const auto* const server = static_cast<ServerConf*>(ngx_http_get_module_srv_conf(r, ngx_http_nacre_module));
  return server->has_nacre && r == r->main;
}

ngx_int_t filter_header(ngx_http_request_t* r) noexcept try {
  if (!is_ours(r)) return next_header_filter(r);
  MainInfo* const info = MainInfo::of(r);
  if (info == nullptr) return NGX_ERROR;
  // Another filter may have refused the answer whose header it saw: then this is the second.
  info->own_lines.clear();
  info->problem_body = nullptr;
  if (!info->own_lines.add(r, "X-Request-Id", info->id())) return NGX_ERROR;
  const ngx_uint_t code = info->nginx_page = nginx_error_page(*r);
  if (code != 0 && location_of(r).problems != 0) {
    info->problem_body = replace_by_problem(r, code, info->id());
    if (info->problem_body == nullptr || !add_lines(r, info->own_lines)) return NGX_ERROR;
  }
  return next_header_filter(r);
} catch (...) {
  return NGX_ERROR;
}

ngx_int_t filter_body(ngx_http_request_t* r, ngx_chain_t* in) noexcept {
  const MainInfo* const info = r == r->main ? MainInfo::find(r) : nullptr;
  if (info == nullptr || info->problem_body == nullptr || in == nullptr) return next_body_filter(r, in);
  ngx_chain_t* const body = info->problem_body;
  for (ngx_chain_t* link = in; link != nullptr; link = link->next) link->buf->pos = link->buf->last;  // nginx's page is used up
  if (ngx_buf_size(body->buf) == 0) return next_body_filter(r, nullptr);
  return next_body_filter(r, body);
}

/// Runs when `add_header` has added its lines.
ngx_int_t filter_late(ngx_http_request_t* r) noexcept {
  if (!is_ours(r)) return next_late_filter(r);
  if (const MainInfo* const info = MainInfo::find(r)) info->own_lines.give_way(r);
  return add_cors(r) ? next_late_filter(r) : NGX_ERROR;
}

ngx_int_t install(ngx_conf_t*) noexcept {
  next_header_filter = ngx_http_top_header_filter;
  ngx_http_top_header_filter = filter_header;
  next_body_filter = ngx_http_top_body_filter;
  ngx_http_top_body_filter = filter_body;
  return NGX_OK;
}

ngx_int_t install_late(ngx_conf_t*) noexcept {
  next_late_filter = ngx_http_top_header_filter;
  ngx_http_top_header_filter = filter_late;
  return NGX_OK;
}

}  // namespace

ngx_http_module_t filter_context = {nullptr, install, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr};
ngx_http_module_t late_filter_context = {nullptr, install_late, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr};

}  // namespace nacre::nginx
