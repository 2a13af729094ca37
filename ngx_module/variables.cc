#include <cinttypes>

#include "conf.h"
#include "http/fields.h"
#include "request_ctx.h"

namespace nacre::nginx {

namespace {

using Value = ngx_http_variable_value_t;

ngx_int_t set(Value* value, std::string_view text) noexcept {
  if (text.empty()) text = "-";
  *value = Value{};
  value->len = static_cast<unsigned>(text.size());
  value->valid = 1;
  value->data = reinterpret_cast<u_char*>(const_cast<char*>(text.data()));
  return NGX_OK;
}

/// Seconds with microseconds; "-" for a request that did not wait for it.
ngx_int_t set_seconds(ngx_http_request_t* r, Value* value, std::chrono::microseconds time) noexcept {
  constexpr std::size_t kSpace = 32;
  auto* const text = static_cast<u_char*>(ngx_pnalloc(r->pool, kSpace));
  if (text == nullptr) return NGX_ERROR;
  const std::int64_t micros = time.count();
  if (micros == 0) return set(value, {});
  const u_char* const end = ngx_snprintf(text, kSpace, "%L.%06L", micros / 1'000'000, micros % 1'000'000);
  return set(value, {reinterpret_cast<char*>(text), static_cast<std::size_t>(end - text)});
}

template <auto Get>
ngx_int_t get(ngx_http_request_t* r, Value* value, uintptr_t) noexcept try {
  RequestCtx* const ctx = RequestCtx::of(r);
  if (ctx == nullptr) return NGX_ERROR;
  return Get(r, value, *ctx);
} catch (...) {
  return NGX_ERROR;
}

ngx_int_t route(ngx_http_request_t*, Value* value, RequestCtx& ctx) { return set(value, ctx.trace().route.text); }
ngx_int_t user(ngx_http_request_t*, Value* value, RequestCtx& ctx) { return set(value, ctx.trace().user); }
ngx_int_t cache(ngx_http_request_t*, Value* value, RequestCtx& ctx) { return set(value, cache::to_string(ctx.trace().cache)); }
ngx_int_t store_time(ngx_http_request_t* r, Value* value, RequestCtx& ctx) {
  return set_seconds(r, value, ctx.trace().waits.store);
}
ngx_int_t redis_time(ngx_http_request_t* r, Value* value, RequestCtx& ctx) {
  return set_seconds(r, value, ctx.trace().waits.remote);
}
ngx_int_t request_id(ngx_http_request_t*, Value* value, RequestCtx& ctx) noexcept { return set(value, ctx.info().id()); }

/// The trace-id of the request's `traceparent`; "-" without a valid one.
ngx_int_t trace_id(ngx_http_request_t* r, Value* value, RequestCtx&) noexcept {
  const auto header = RequestHeaders(*r).find("traceparent");
  return set(value, header ? http::trace_id(*header).value_or(std::string_view{}) : std::string_view{});
}

struct Variable {
  ngx_str_t name;
  ngx_http_get_variable_pt get;
};

constexpr ngx_uint_t kFlags = NGX_HTTP_VAR_NOCACHEABLE;

Variable variables[] = {{ngx_string("nacre_route"), get<route>},           {ngx_string("nacre_user"), get<user>},
                        {ngx_string("nacre_cache"), get<cache>},           {ngx_string("nacre_store_time"), get<store_time>},
                        {ngx_string("nacre_redis_time"), get<redis_time>}, {ngx_string("nacre_request_id"), get<request_id>},
                        {ngx_string("nacre_trace_id"), get<trace_id>}};

}  // namespace

ngx_int_t add_variables(ngx_conf_t* cf) noexcept {
  for (Variable& variable : variables) {
    ngx_http_variable_t* const added = ngx_http_add_variable(cf, &variable.name, kFlags);
    if (added == nullptr) return NGX_ERROR;
    added->get_handler = variable.get;
  }
  return NGX_OK;
}

}  // namespace nacre::nginx
