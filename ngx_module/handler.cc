#include "handler.h"

#include <algorithm>

#include "conf.h"
#include "http/limits.h"
#include "process.h"
#include "request_ctx.h"

namespace nacre::nginx {

namespace {

/// A body that no action reads is taken in as well: while nginx discards one, it notices no client that goes away, and gives up
/// on those that are slow (`lingering_timeout`). HTTP/2 tells by itself.
bool may_have_body(const ngx_http_request_t& r) noexcept {
  if (http::takes_body(method_of(r))) return true;
  return &r == r.main && r.http_version < NGX_HTTP_VERSION_20 &&
         (r.headers_in.content_length_n > 0 || r.headers_in.chunked != 0U);
}

/// As nginx itself refuses a body before it is read.
ngx_int_t refuse_body(ngx_http_request_t* r) noexcept {
  r->expect_tested = 1;
  (void)ngx_http_discard_request_body(r);
  return NGX_HTTP_REQUEST_ENTITY_TOO_LARGE;
}

/// nginx has the whole body; the count that it took while reading is now the fiber's.
void on_body(ngx_http_request_t* r) noexcept {
  RequestCtx* const ctx = RequestCtx::find(r);
  ngx_int_t started = ctx != nullptr ? ctx->start() : NGX_HTTP_INTERNAL_SERVER_ERROR;
  if (started == NGX_OK) started = ctx->send();
  if (started != NGX_DONE) ngx_http_finalize_request(r, started);
}

/// Since the request's first byte, by nginx's clock: it stands still while events are handled, and may be set.
Milliseconds since_start(const ngx_http_request_t& r) noexcept {
  const ngx_time_t* const now = ngx_timeofday();
  const Milliseconds took = Seconds{now->sec - r.start_sec} +
                            Milliseconds{static_cast<std::int64_t>(now->msec) - static_cast<std::int64_t>(r.start_msec)};
  return std::max(took, Milliseconds{});
}

}  // namespace

ngx_int_t handle_request(ngx_http_request_t* r) noexcept {
  RequestCtx* const ctx = RequestCtx::fresh(r);
  if (ctx == nullptr) return NGX_HTTP_INTERNAL_SERVER_ERROR;
  if (may_have_body(*r)) {
    if (r == r->main && r->headers_in.content_length_n > static_cast<off_t>(http::kMaxBody)) return refuse_body(r);
    const ngx_int_t reading = ngx_http_read_client_request_body(r, on_body);
    return reading >= NGX_HTTP_SPECIAL_RESPONSE ? reading : NGX_DONE;
  }
  const ngx_int_t discarded = ngx_http_discard_request_body(r);
  if (discarded != NGX_OK) return discarded;
  ngx_int_t started = ctx->start();
  if (started == NGX_OK) started = ctx->send();
  if (started == NGX_DONE) ++r->main->count;
  return started;
}

ngx_int_t note_beginning(ngx_http_request_t* r) noexcept {
  const auto* const server = static_cast<ServerConf*>(ngx_http_get_module_srv_conf(r, ngx_http_nacre_module));
  MainInfo* const info = server->has_nacre ? MainInfo::of(r) : nullptr;
  if (info == nullptr) return NGX_DECLINED;
  info->read_at = std::chrono::steady_clock::now();
  info->reading = since_start(*r);
  return NGX_DECLINED;
}

ngx_int_t count_request(ngx_http_request_t* r) noexcept try {
  const auto* const server = static_cast<ServerConf*>(ngx_http_get_module_srv_conf(r, ngx_http_nacre_module));
  if (r != r->main || !server->has_nacre || !Process::running()) return NGX_OK;  // `log_subrequest` asks for these, too
  RequestCtx* const ctx = RequestCtx::of(r);
  if (ctx == nullptr) return NGX_OK;
  const MainInfo& info = ctx->info();
  const std::chrono::nanoseconds took =
      info.read_at ? info.reading + (std::chrono::steady_clock::now() - *info.read_at) : since_start(*r);
  const auto status = static_cast<int>(r->err_status != 0U ? r->err_status : r->headers_out.status);
  Process::get().worker().count(ctx->trace(), method_of(*r), status, took);
  return NGX_OK;
} catch (...) {
  return NGX_OK;  // a count is not worth a request
}

}  // namespace nacre::nginx
