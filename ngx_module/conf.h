#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mode.h"
#include "ngx.hpp"
#include "worker.h"

namespace nacre::nginx {

/// The http block. Belongs to a cycle: a reload makes a new one, and the old workers keep theirs.
struct MainConf {
  ngx_cycle_t* cycle = nullptr;
  std::optional<Application> application;
  std::optional<std::string_view> api_mount;  ///< of the first location that serves the API
  ngx_shm_zone_t* zone = nullptr;
  cache::Zone* cache = nullptr;  ///< in the zone, once nginx has mapped it
  ngx_thread_pool_t* threads = nullptr;
  bool used = false;  ///< some location has `nacre`
};

/// A server block: whether its errors are problem documents and its answers carry an X-Request-Id.
struct ServerConf {
  bool has_nacre = false;
  std::vector<ngx_http_core_loc_conf_t*> locations;  ///< those that have `nacre`, in the order of the file
};

/// A location.
struct LocationConf {
  bool on = false;
  Mode mode = Mode::api;
  /// The prefix that the location stands for, without a final slash: "" or "/v1". Of its name, or as `nacre api PREFIX` has it.
  std::string_view mount;
  bool has_prefix = false;               ///< the directive named it: nothing else is served
  std::string encoded_mount;             ///< for links
  ngx_flag_t problems = NGX_CONF_UNSET;  ///< nacre_problems: nginx's own error pages become problem documents
  std::string_view file;                 ///< where the directive stands,
  ngx_uint_t line = 0;                   ///< for what is found out later
};

inline const LocationConf& location_of(const ngx_http_request_t* r) noexcept {
  return *static_cast<const LocationConf*>(ngx_http_get_module_loc_conf(r, ngx_http_nacre_module));
}

/// The part of a decoded URI that a location with `nacre api` serves; it begins with a slash, or nothing is at it. A `rewrite`
/// may have led to a URI that is not below the location's own prefix: that is served whole, unless the directive names a
/// prefix.
inline std::string_view served_path(const LocationConf& location, std::string_view uri) noexcept {
  if (uri.starts_with(location.mount)) return uri.substr(location.mount.size());
  return location.has_prefix ? std::string_view{} : uri;
}

/// The configuration that is being parsed or served; set once per cycle.
MainConf& main_conf(ngx_conf_t* cf);
MainConf* main_conf(ngx_cycle_t* cycle);

extern ngx_command_t commands[];

void* create_main_conf(ngx_conf_t* cf) noexcept;
void* create_server_conf(ngx_conf_t* cf) noexcept;
void* create_location_conf(ngx_conf_t* cf) noexcept;
/// What stands inside a location (`if`, `limit_except`) is served as the location is.
char* merge_location_conf(ngx_conf_t* cf, void* parent, void* child) noexcept;
/// After the http block was read: cross-checks, and what was left out gets its default.
ngx_int_t check_conf(ngx_conf_t* cf) noexcept;

/// Adds `$nacre_route` and its like.
ngx_int_t add_variables(ngx_conf_t* cf) noexcept;

}  // namespace nacre::nginx
