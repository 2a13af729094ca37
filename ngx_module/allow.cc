#include "allow.h"

#include "conf.h"

namespace nacre::nginx {

namespace {

using Core = ngx_http_core_loc_conf_t;

bool matches_regex([[maybe_unused]] ngx_http_request_t* r, [[maybe_unused]] const Core& core,
                   [[maybe_unused]] ngx_str_t uri) noexcept {
#if (NGX_PCRE)
  return core.regex != nullptr && ngx_http_regex_exec(r, core.regex, &uri) == NGX_OK;
#else
  return false;
#endif
}

bool has_regex([[maybe_unused]] const Core& core) noexcept {
#if (NGX_PCRE)
  return core.regex != nullptr;
#else
  return false;
#endif
}

/// The location among those that have `nacre`, by nginx's rules: `=`, then the longest prefix if it is `^~`, then the first
/// regular expression, then the longest prefix.
const Core* find_location(ngx_http_request_t* r, const ServerConf& server, std::string_view uri) noexcept {
  const Core* longest = nullptr;
  for (const Core* const core : server.locations) {
    const std::string_view name = to_view(core->name);
    if (core->named || has_regex(*core)) continue;
    if (core->exact_match) {
      if (uri == name) return core;
    } else if (uri.starts_with(name) && (longest == nullptr || name.size() > longest->name.len)) {
      longest = core;
    }
  }
  if (longest != nullptr && longest->noregex) return longest;
  for (const Core* const core : server.locations) {
    if (matches_regex(r, *core, to_ngx_str(uri))) return core;
  }
  return longest;
}

const LocationConf& conf_of(void** loc_conf) noexcept {
  return *static_cast<LocationConf*>(loc_conf[ngx_http_nacre_module.ctx_index]);
}

}  // namespace

bool would_have_reached_nacre(ngx_http_request_t* r) noexcept {
  const auto* const server = static_cast<ServerConf*>(ngx_http_get_module_srv_conf(r, ngx_http_nacre_module));
  const std::string_view asked = to_view(r->unparsed_uri);
  return find_location(r, *server, asked.substr(0, asked.find('?'))) != nullptr;
}

std::optional<std::string_view> allowed_methods(ngx_http_request_t* r) {
  const auto* const main = static_cast<MainConf*>(ngx_http_get_module_main_conf(r, ngx_http_nacre_module));
  const auto* const server = static_cast<ServerConf*>(ngx_http_get_module_srv_conf(r, ngx_http_nacre_module));
  const LocationConf* location = &conf_of(r->loc_conf);
  if (!location->on && (r->method == NGX_HTTP_TRACE || r->method == NGX_HTTP_CONNECT)) {
    if (const Core* const found = find_location(r, *server, to_view(r->uri))) location = &conf_of(found->loc_conf);
  }
  if (!location->on || !main->application) return std::nullopt;
  return main->application->allowed(location->mode, served_path(*location, to_view(r->uri)));
}

}  // namespace nacre::nginx
