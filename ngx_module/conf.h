#pragma once

#include <optional>
#include <string_view>

#include "mode.h"
#include "ngx.hpp"
#include "worker.h"

namespace nacre::nginx {

/// The http block. Belongs to a cycle: a reload makes a new one, and the old workers keep theirs.
struct MainConf {
  std::optional<Application> application;
  std::optional<std::string_view> api_mount;  ///< of the first location that serves the API
  ngx_shm_zone_t* zone = nullptr;
  ngx_thread_pool_t* threads = nullptr;
  bool used = false;  ///< some location has `nacre`
};

/// A server block: whether its errors are problem documents and its answers carry an X-Request-Id.
struct ServerConf {
  bool has_nacre = false;
};

/// A location.
struct LocationConf {
  bool on = false;
  Mode mode = Mode::api;
  std::string_view mount;  ///< the prefix that the location stands for, without a final slash: "" or "/v1"
};

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
