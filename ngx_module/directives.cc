#include <new>
#include <stdexcept>
#include <utility>

#include "conf.h"
#include "config/load.h"
#include "handler.h"
#include "zone.h"

namespace nacre::nginx {

namespace {

constexpr std::size_t kDefaultZone = 32U << 20U;

/// Makes a T in the cycle's pool, destroyed with it.
template <class T>
void* create(ngx_conf_t* cf) noexcept {
  void* const memory = ngx_pcalloc(cf->pool, sizeof(T));
  ngx_pool_cleanup_t* const cleanup = ngx_pool_cleanup_add(cf->pool, 0);
  if (memory == nullptr || cleanup == nullptr) return nullptr;
  cleanup->handler = [](void* conf) { static_cast<T*>(conf)->~T(); };
  cleanup->data = memory;
  return new (memory) T;
}

void tell(ngx_conf_t* cf, ngx_uint_t level, std::string_view message) noexcept {
  const ngx_str_t text = to_ngx_str(message);
  ngx_conf_log_error(level, cf, 0, "%V", &text);
}

char* fail(ngx_conf_t* cf, std::string_view message) noexcept {
  tell(cf, NGX_LOG_EMERG, message);
  return static_cast<char*>(NGX_CONF_ERROR);
}

ngx_str_t argument(const ngx_conf_t* cf, ngx_uint_t index = 1) noexcept {
  return static_cast<ngx_str_t*>(cf->args->elts)[index];
}

/// The part of a path that a prefix location stands for.
std::string_view mount_of(const ngx_http_core_loc_conf_t& core) noexcept {
  std::string_view name = to_view(core.name);
#if (NGX_PCRE)
  if (core.regex != nullptr) return {};
#endif
  if (core.exact_match || core.named) return {};
  if (name.ends_with('/')) name.remove_suffix(1);
  return name;
}

char* duplicate() noexcept { return const_cast<char*>("is duplicate"); }

/// nacre_config FILE: read and checked here, so that `nginx -t` judges it and a failed reload changes nothing.
char* set_config(ngx_conf_t* cf, ngx_command_t*, void* conf) noexcept try {
  auto& main = *static_cast<MainConf*>(conf);
  if (main.application) return duplicate();
  ngx_str_t file = argument(cf);
  if (ngx_conf_full_name(cf->cycle, &file, 0) != NGX_OK) return static_cast<char*>(NGX_CONF_ERROR);
  auto config = config::load(to_view(file), to_view(cf->cycle->prefix));
  for (const auto& warning : config->warnings) tell(cf, NGX_LOG_WARN, warning);
  main.application = Application::make(std::move(config));
  return NGX_CONF_OK;
} catch (const config::LoadError& error) {
  for (const auto& message : error.messages()) fail(cf, std::string_view(message));
  return static_cast<char*>(NGX_CONF_ERROR);
} catch (const std::exception& error) {
  return fail(cf, std::string_view(error.what()));
}

/// nacre_zone SIZE
char* set_zone(ngx_conf_t* cf, ngx_command_t*, void* conf) noexcept {
  auto& main = *static_cast<MainConf*>(conf);
  if (main.zone != nullptr) return duplicate();
  ngx_str_t size_text = argument(cf);
  const ssize_t size = ngx_parse_size(&size_text);
  if (size == NGX_ERROR) return fail(cf, "nacre_zone: not a size; allowed: a number of bytes, or one with k or m, such as 32m");
  if (static_cast<std::size_t>(size) < kMinimumZone) return fail(cf, "nacre_zone: too small; allowed: 2m and more");
  main.zone = add_zone(cf, static_cast<std::size_t>(size));
  return main.zone != nullptr ? NGX_CONF_OK : static_cast<char*>(NGX_CONF_ERROR);
}

/// nacre_thread_pool NAME
char* set_thread_pool(ngx_conf_t* cf, ngx_command_t*, void* conf) noexcept {
  auto& main = *static_cast<MainConf*>(conf);
  if (main.threads != nullptr) return duplicate();
  ngx_str_t name = argument(cf);
  main.threads = ngx_thread_pool_add(cf, &name);
  return main.threads != nullptr ? NGX_CONF_OK : static_cast<char*>(NGX_CONF_ERROR);
}

/// nacre api | live | ready | metrics | openapi | docs | status
char* set_mode(ngx_conf_t* cf, ngx_command_t*, void* conf) noexcept try {
  auto& location = *static_cast<LocationConf*>(conf);
  if (location.on) return duplicate();
  const auto mode = parse_mode(to_view(argument(cf)));
  if (!mode) {
    const std::string name(to_view(argument(cf)));
    return fail(cf,
                std::string_view("nacre: no mode \"" + name + "\"; allowed: api, live, ready, metrics, openapi, docs, status"));
  }
  location.on = true;
  location.mode = *mode;
  static_cast<ServerConf*>(ngx_http_conf_get_module_srv_conf(cf, ngx_http_nacre_module))->has_nacre = true;
  auto* const core = static_cast<ngx_http_core_loc_conf_t*>(ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module));
  core->handler = handle_request;
  location.mount = mount_of(*core);
  MainConf& main = main_conf(cf);
  main.used = true;
  if (*mode == Mode::api && !main.api_mount) main.api_mount = location.mount;
  return NGX_CONF_OK;
} catch (const std::exception& error) {
  return fail(cf, std::string_view(error.what()));
}

}  // namespace

ngx_command_t commands[] = {
    {ngx_string("nacre_config"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1, set_config, NGX_HTTP_MAIN_CONF_OFFSET, 0, nullptr},
    {ngx_string("nacre_zone"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1, set_zone, NGX_HTTP_MAIN_CONF_OFFSET, 0, nullptr},
    {ngx_string("nacre_thread_pool"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1, set_thread_pool, NGX_HTTP_MAIN_CONF_OFFSET, 0,
     nullptr},
    {ngx_string("nacre"), NGX_HTTP_LOC_CONF | NGX_CONF_TAKE1, set_mode, NGX_HTTP_LOC_CONF_OFFSET, 0, nullptr},
    ngx_null_command};

MainConf& main_conf(ngx_conf_t* cf) {
  return *static_cast<MainConf*>(ngx_http_conf_get_module_main_conf(cf, ngx_http_nacre_module));
}

MainConf* main_conf(ngx_cycle_t* cycle) {
  return static_cast<MainConf*>(ngx_http_cycle_get_module_main_conf(cycle, ngx_http_nacre_module));
}

void* create_main_conf(ngx_conf_t* cf) noexcept { return create<MainConf>(cf); }
void* create_server_conf(ngx_conf_t* cf) noexcept { return create<ServerConf>(cf); }
void* create_location_conf(ngx_conf_t* cf) noexcept { return create<LocationConf>(cf); }

char* merge_location_conf(ngx_conf_t* cf, void* parent, void* child) noexcept {
  auto* const core = static_cast<ngx_http_core_loc_conf_t*>(ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module));
  const auto& outer = *static_cast<LocationConf*>(parent);
  auto& inner = *static_cast<LocationConf*>(child);
  if (outer.on && !inner.on && core->handler == nullptr && (core->noname || core->lmt_excpt)) {
    inner = outer;
    core->handler = handle_request;
  }
  return NGX_CONF_OK;
}

ngx_int_t check_conf(ngx_conf_t* cf) noexcept try {
  MainConf& main = main_conf(cf);
  if (!main.used) return NGX_OK;
  if (!main.application) {
    fail(cf, "a location has \"nacre\", but there is no \"nacre_config FILE;\" in the http block");
    return NGX_ERROR;
  }
  ngx_str_t default_pool = ngx_string("default");
  if (main.threads == nullptr) main.threads = ngx_thread_pool_add(cf, &default_pool);
  if (main.zone == nullptr) main.zone = add_zone(cf, kDefaultZone);
  main.application->describe(main.api_mount.value_or(""));
  return main.threads != nullptr && main.zone != nullptr ? NGX_OK : NGX_ERROR;
} catch (const std::exception& error) {
  fail(cf, std::string_view(error.what()));
  return NGX_ERROR;
}

}  // namespace nacre::nginx
