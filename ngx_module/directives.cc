#include <cstddef>
#include <new>
#include <utility>

#include "base/thrown.h"
#include "conf.h"
#include "config/load.h"
#include "handler.h"
#include "http/uri_path.h"
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

char* fail(ngx_conf_t* cf, const char* message) noexcept { return fail(cf, std::string_view(message)); }

ngx_str_t argument(const ngx_conf_t* cf, ngx_uint_t index = 1) noexcept {
  return static_cast<ngx_str_t*>(cf->args->elts)[index];
}

bool is_regex(const ngx_http_core_loc_conf_t& core) noexcept {
#if (NGX_PCRE)
  return core.regex != nullptr;
#else
  return false;
#endif
}

std::string_view without_final_slash(std::string_view path) noexcept {
  return path.ends_with('/') ? path.substr(0, path.size() - 1) : path;
}

/// The part of a path that a prefix location stands for.
std::string_view mount_of(const ngx_http_core_loc_conf_t& core) noexcept {
  if (is_regex(core) || core.exact_match || core.named) return {};
  return without_final_slash(to_view(core.name));
}

void set_mount(LocationConf& location, std::string_view mount) {
  location.mount = mount;
  location.encoded_mount = http::encode_path(mount);
}

/// The second argument of `nacre api`; nullptr: it is one.
const char* wrong_with_prefix(Mode mode, std::string_view prefix) noexcept {
  if (mode != Mode::api) return "nacre: only \"nacre api\" takes a prefix";
  if (!prefix.starts_with('/')) return "nacre: a prefix begins with a slash, as in \"nacre api /v1;\"";
  if (prefix.find('$') != std::string_view::npos)
    return "nacre: a prefix can't hold variables; allowed: text, as in \"nacre api /v1;\"";
  if (prefix.find("//") != std::string_view::npos || prefix.find_first_of("?#") != std::string_view::npos) {
    return "nacre: a prefix is a plain path without \"//\", \"?\" and \"#\", as in \"nacre api /v1;\"";
  }
  return nullptr;
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
} catch (...) {
  return fail(cf, std::string_view(what_was_thrown()));
}

/// nacre_zone SIZE
char* set_zone(ngx_conf_t* cf, ngx_command_t*, void* conf) noexcept {
  auto& main = *static_cast<MainConf*>(conf);
  if (main.zone != nullptr) return duplicate();
  ngx_str_t size_text = argument(cf);
  const ssize_t size = ngx_parse_size(&size_text);
  if (size == NGX_ERROR) return fail(cf, "nacre_zone: not a size; allowed: a number of bytes, or one with k or m, such as 32m");
  if (static_cast<std::size_t>(size) < kMinimumZone) return fail(cf, "nacre_zone: too small; allowed: 2m and more");
  main.zone = add_zone(cf, main, static_cast<std::size_t>(size));
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

/// nacre api [PREFIX] | live | ready | metrics | openapi | docs | status
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
  location.file = to_view(cf->conf_file->file.name);
  location.line = cf->conf_file->line;
  auto* const core = static_cast<ngx_http_core_loc_conf_t*>(ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module));
  core->handler = handle_request;
  if (cf->args->nelts > 2) {
    const std::string_view prefix = to_view(argument(cf, 2));
    if (const char* const wrong = wrong_with_prefix(*mode, prefix)) return fail(cf, wrong);
    location.has_prefix = true;
    set_mount(location, without_final_slash(prefix));
  } else {
    set_mount(location, mount_of(*core));
  }
  auto& server = *static_cast<ServerConf*>(ngx_http_conf_get_module_srv_conf(cf, ngx_http_nacre_module));
  server.has_nacre = true;
  server.locations.push_back(core);
  MainConf& main = main_conf(cf);
  main.used = true;
  if (*mode == Mode::api && !main.api_mount) main.api_mount = location.encoded_mount;
  return NGX_CONF_OK;
} catch (...) {
  return fail(cf, std::string_view(what_was_thrown()));
}

/// A regular expression does not tell which part of a URI comes before Nacre's path: the directive does, or the location
/// around.
bool settle_regex(ngx_conf_t* cf, const LocationConf& outer, LocationConf& inner, const ngx_http_core_loc_conf_t& core) {
  if (!inner.on || inner.mode != Mode::api || inner.has_prefix || !is_regex(core)) return true;
  if (outer.on && outer.mode == Mode::api) {
    inner.has_prefix = outer.has_prefix;
    set_mount(inner, outer.mount);
    return true;
  }
  const ngx_str_t file = to_ngx_str(inner.file);
  ngx_log_error(
      NGX_LOG_EMERG, cf->log, 0,
      "nacre: the location \"%V\" is a regular expression, which tells no prefix; name the one that it stands for, as "
      "in \"nacre api /v1;\", or \"nacre api /;\" for none, in %V:%ui",
      &core.name, &file, inner.line);
  return false;
}

}  // namespace

ngx_command_t commands[] = {
    {ngx_string("nacre_config"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1, set_config, NGX_HTTP_MAIN_CONF_OFFSET, 0, nullptr},
    {ngx_string("nacre_zone"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1, set_zone, NGX_HTTP_MAIN_CONF_OFFSET, 0, nullptr},
    {ngx_string("nacre_thread_pool"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1, set_thread_pool, NGX_HTTP_MAIN_CONF_OFFSET, 0,
     nullptr},
    {ngx_string("nacre"), NGX_HTTP_LOC_CONF | NGX_CONF_TAKE12, set_mode, NGX_HTTP_LOC_CONF_OFFSET, 0, nullptr},
    {ngx_string("nacre_problems"), NGX_HTTP_MAIN_CONF | NGX_HTTP_SRV_CONF | NGX_HTTP_LOC_CONF | NGX_CONF_FLAG,
     ngx_conf_set_flag_slot, NGX_HTTP_LOC_CONF_OFFSET, offsetof(LocationConf, problems), nullptr},
    ngx_null_command};

MainConf& main_conf(ngx_conf_t* cf) {
  return *static_cast<MainConf*>(ngx_http_conf_get_module_main_conf(cf, ngx_http_nacre_module));
}

MainConf* main_conf(ngx_cycle_t* cycle) {
  return static_cast<MainConf*>(ngx_http_cycle_get_module_main_conf(cycle, ngx_http_nacre_module));
}

void* create_main_conf(ngx_conf_t* cf) noexcept {
  auto* const conf = static_cast<MainConf*>(create<MainConf>(cf));
  if (conf != nullptr) conf->cycle = cf->cycle;
  return conf;
}
void* create_server_conf(ngx_conf_t* cf) noexcept { return create<ServerConf>(cf); }
void* create_location_conf(ngx_conf_t* cf) noexcept { return create<LocationConf>(cf); }

char* merge_location_conf(ngx_conf_t* cf, void* parent, void* child) noexcept try {
  auto* const core = static_cast<ngx_http_core_loc_conf_t*>(ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module));
  const auto& outer = *static_cast<LocationConf*>(parent);
  auto& inner = *static_cast<LocationConf*>(child);
  if (outer.on && !inner.on && core->handler == nullptr && (core->noname || core->lmt_excpt)) {
    inner = outer;
    core->handler = handle_request;
  }
  ngx_conf_merge_value(inner.problems, outer.problems, 1);
  if (inner.on && core->handler != handle_request) {
    const ngx_str_t file = to_ngx_str(inner.file);
    ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                  "nacre: another directive of the location \"%V\" answers in its place, such as \"proxy_pass\", beside "
                  "\"nacre\" in %V:%ui",
                  &core->name, &file, inner.line);
    return static_cast<char*>(NGX_CONF_ERROR);
  }
  return settle_regex(cf, outer, inner, *core) ? NGX_CONF_OK : static_cast<char*>(NGX_CONF_ERROR);
} catch (...) {
  return fail(cf, what_was_thrown());
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
  if (main.zone == nullptr) main.zone = add_zone(cf, main, kDefaultZone);
  main.application->describe(main.api_mount.value_or(""));
  if (main.threads == nullptr || main.zone == nullptr) return NGX_ERROR;
  if (const std::size_t least = least_zone(main.application->metrics_room()); main.zone->shm.size < least) {
    const std::string resources = std::to_string(main.application->config->resources.size());
    const std::string message = "nacre_zone: too small for the metrics of " + resources +
                                " resources; allowed: " + std::to_string(least >> 20U) + "m and more";
    fail(cf, std::string_view(message));
    return NGX_ERROR;
  }
  return NGX_OK;
} catch (...) {
  fail(cf, what_was_thrown());
  return NGX_ERROR;
}

}  // namespace nacre::nginx
