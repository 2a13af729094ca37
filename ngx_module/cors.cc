#include "cors.h"

#include "allow.h"
#include "base/ascii.h"
#include "conf.h"
#include "header.h"
#include "http/cors.h"
#include "main_info.h"
#include "request_ctx.h"

namespace nacre::nginx {

namespace {

constexpr std::string_view kCorsPrefix = "Access-Control-";
constexpr std::string_view kExpose = "Access-Control-Expose-Headers";
constexpr std::string_view kVary = "Vary";

const Application* application_of(ngx_http_request_t* r) noexcept {
  const auto* const main = static_cast<MainConf*>(ngx_http_get_module_main_conf(r, ngx_http_nacre_module));
  return main->application ? &*main->application : nullptr;
}

/// Whether what stands in a location of others is nginx's own error, which a page of another origin may read: on the way to a
/// location with `nacre`, before a location was found, or because of overload, limits or a fault. What other handlers answer is
/// theirs, whatever its status: an `error_page` may lead there.
bool is_error_of_nginx(ngx_http_request_t* r) noexcept {
  const MainInfo* const info = MainInfo::find(r);
  const ngx_uint_t status = r->headers_out.status;
  if (info == nullptr || status < NGX_HTTP_BAD_REQUEST || r->err_status != status) return false;
  if (info->nginx_page == 0 && !r->error_page) return false;
  if (info->reached_nacre || (status == NGX_HTTP_REQUEST_ENTITY_TOO_LARGE && would_have_reached_nacre(r))) return true;
  if (info->nginx_page == 0) return false;
  const auto* const core = static_cast<ngx_http_core_loc_conf_t*>(ngx_http_get_module_loc_conf(r, ngx_http_core_module));
  return core->name.len == 0 || status == NGX_HTTP_REQUEST_ENTITY_TOO_LARGE || status == NGX_HTTP_TOO_MANY_REQUESTS ||
         status >= NGX_HTTP_INTERNAL_SERVER_ERROR;
}

bool names_origin(const ngx_table_elt_t& line) noexcept {
  return equals_ignoring_case(to_view(line.key), "Access-Control-Allow-Origin");
}

http::CorsLines lines_for(ngx_http_request_t* r, const Application& application) {
  const http::Cors& cors = *application.config->cors;
  const RequestHeaders headers(*r);
  const auto origin = headers.find("Origin");
  if (!http::Cors::is_preflight(method_of(*r), headers)) return cors.answer(origin);
  const LocationConf& location = location_of(r);
  return cors.preflight(*origin, application.allowed(location.mode, served_path(location, to_view(r->uri))));
}

bool lists_origin(std::string_view vary) noexcept {
  while (!vary.empty()) {
    const auto comma = std::min(vary.find(','), vary.size());
    const auto name = trim(vary.substr(0, comma));
    if (name == "*" || equals_ignoring_case(name, "Origin")) return true;
    vary.remove_prefix(std::min(comma + 1, vary.size()));
  }
  return false;
}

/// What others set beside: a second line would make browsers refuse the answer. The headers that a handler or `add_header`
/// exposes are exposed as well.
struct Others {
  std::string exposed;  // each with a comma before it
  bool vary = false;

  void take(ngx_table_elt_t& line) {
    const auto name = to_view(line.key);
    if (equals_ignoring_case(name, kVary)) vary = vary || lists_origin(to_view(line.value));
    if (!equals_ignoring_case(name.substr(0, kCorsPrefix.size()), kCorsPrefix)) return;
    if (equals_ignoring_case(name, kExpose)) exposed.append(", ").append(to_view(line.value));
    line.hash = 0;
  }
};

std::string_view copy_to_pool(ngx_http_request_t* r, std::string_view a, std::string_view b) noexcept {
  auto* const text = static_cast<u_char*>(ngx_pnalloc(r->pool, a.size() + b.size()));
  if (text == nullptr) return {};
  ngx_memcpy(ngx_cpymem(text, a.data(), a.size()), b.data(), b.size());
  return {reinterpret_cast<char*>(text), a.size() + b.size()};
}

bool add_lines(ngx_http_request_t* r, const http::CorsLines& lines) {
  Others others;
  each_header(r, [&](ngx_table_elt_t& line) { others.take(line); });
  for (const http::Header& line : lines) {
    if (others.vary && line.name == kVary) continue;
    auto value = line.value;
    if (line.name == kExpose && !others.exposed.empty()) value = copy_to_pool(r, line.value, others.exposed);
    if (value.empty() || add_header(r, line.name, value) == nullptr) return false;
  }
  return true;
}

}  // namespace

ngx_int_t answer_preflight(ngx_http_request_t* r) noexcept {
  if (r->method != NGX_HTTP_OPTIONS || !location_of(r).on) return NGX_DECLINED;
  if (!http::Cors::is_preflight(http::Method::options, RequestHeaders(*r))) return NGX_DECLINED;
  ngx_http_complex_value_t no_body{};
  ngx_http_finalize_request(r, ngx_http_send_response(r, NGX_HTTP_NO_CONTENT, nullptr, &no_body));
  return NGX_DONE;
}

ngx_int_t note_location(ngx_http_request_t* r) noexcept {
  if (r != r->main || !location_of(r).on) return NGX_DECLINED;
  if (MainInfo* const info = MainInfo::of(r)) info->reached_nacre = true;
  return NGX_DECLINED;
}

bool add_cors(ngx_http_request_t* r) noexcept try {
  const Application* const application = application_of(r);
  if (application == nullptr || application->config->cors == nullptr) return true;
  if (!location_of(r).on) {
    if (!is_error_of_nginx(r)) return true;
    if (any_header(r, names_origin)) return true;
  }
  return add_lines(r, lines_for(r, *application));
} catch (...) {
  return false;
}

}  // namespace nacre::nginx
