#include "filter.h"

#include "conf.h"
#include "header.h"
#include "http/problem.h"
#include "http/response.h"
#include "main_info.h"
#include "request_ctx.h"

namespace nacre::nginx {

namespace {

ngx_http_output_header_filter_pt next_header_filter;
ngx_http_output_body_filter_pt next_body_filter;

/// True for an answer that nginx made of a bare status: limit_req's 429, a 413, a 404 of a location without `nacre`. An
/// `error_page` of the administrator's and an upstream's own answer stay as they are.
bool is_bare_error(ngx_http_request_t& r) noexcept {
  const auto status = r.headers_out.status;
  const bool of_upstream = r.upstream != nullptr && r.upstream->headers_in.status_n == status;
  const RequestCtx* const ctx = RequestCtx::find(&r);
  const bool own = ctx != nullptr && ctx->answered();
  return status >= NGX_HTTP_BAD_REQUEST && !own && !r.error_page && !of_upstream;
}

/// Words for the statuses whose phrase alone would not help.
std::string_view detail_of(ngx_uint_t status) noexcept {
  switch (status) {
    case 404:
      return "there is nothing at this path";
    case 413:
      return "the body is larger than this server takes";
    case 429:
      return "too many requests from this address";
    default:
      return {};
  }
}

bool replace_by_problem(ngx_http_request_t* r, MainInfo& info) {
  const auto status = r->headers_out.status;
  const std::string document = http::problem_document(static_cast<int>(status), detail_of(status), info.id());
  auto* const buffer = ngx_create_temp_buf(r->pool, document.size());
  ngx_chain_t* const chain = ngx_alloc_chain_link(r->pool);
  if (buffer == nullptr || chain == nullptr) return false;
  buffer->last = ngx_cpymem(buffer->last, document.data(), document.size());
  buffer->last_buf = 1;
  buffer->last_in_chain = 1;
  *chain = {buffer, nullptr};
  info.problem_body = chain;

  ngx_http_clear_content_length(r);
  ngx_http_clear_accept_ranges(r);
  ngx_http_clear_last_modified(r);
  ngx_http_clear_etag(r);
  r->headers_out.content_length_n = static_cast<off_t>(document.size());
  r->headers_out.content_type = to_ngx_str(http::kProblemJson);
  r->headers_out.content_type_len = http::kProblemJson.size();
  r->headers_out.content_type_lowcase = nullptr;
  ngx_str_null(&r->headers_out.charset);
  // One second is enough for limit_req: it refuses the excess alone, and at a request a second or more one has drained by then.
  const bool retry = status == NGX_HTTP_TOO_MANY_REQUESTS || status == NGX_HTTP_SERVICE_UNAVAILABLE;
  return add_header(r, "Cache-Control", "no-store") != nullptr && (!retry || add_header(r, "Retry-After", "1") != nullptr);
}

ngx_int_t filter_header(ngx_http_request_t* r) noexcept try {
  const auto* const server = static_cast<ServerConf*>(ngx_http_get_module_srv_conf(r, ngx_http_nacre_module));
  if (!server->has_nacre || r != r->main) return next_header_filter(r);
  MainInfo* const info = MainInfo::of(r);
  if (info == nullptr) return NGX_ERROR;
  if (!info->has_id_header) {
    info->has_id_header = true;
    if (add_header(r, "X-Request-Id", info->id()) == nullptr) return NGX_ERROR;
  }
  if (is_bare_error(*r) && !replace_by_problem(r, *info)) return NGX_ERROR;
  return next_header_filter(r);
} catch (const std::exception&) {
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

ngx_int_t install(ngx_conf_t*) noexcept {
  next_header_filter = ngx_http_top_header_filter;
  ngx_http_top_header_filter = filter_header;
  next_body_filter = ngx_http_top_body_filter;
  ngx_http_top_body_filter = filter_body;
  return NGX_OK;
}

}  // namespace

ngx_http_module_t filter_context = {nullptr, install, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr};

}  // namespace nacre::nginx
