#include <sodium.h>

#include "conf.h"
#include "cors.h"
#include "data_folder.h"
#include "filter.h"
#include "handler.h"
#include "process.h"

namespace nacre::nginx {

namespace {

ngx_int_t finish_conf(ngx_conf_t* cf) noexcept {
  if (check_conf(cf) != NGX_OK) return NGX_ERROR;
  if (!main_conf(cf).used) return NGX_OK;
  if (sodium_init() < 0) {
    ngx_log_error(NGX_LOG_EMERG, cf->log, 0, "nacre: no source of random numbers");
    return NGX_ERROR;
  }
  auto* const core = static_cast<ngx_http_core_main_conf_t*>(ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module));
  const auto add = [core](ngx_http_phases phase, ngx_http_handler_pt handler) {
    auto* const place = static_cast<ngx_http_handler_pt*>(ngx_array_push(&core->phases[phase].handlers));
    if (place != nullptr) *place = handler;
    return place != nullptr;
  };
  if (main_conf(cf).application->config->cors &&
      !(add(NGX_HTTP_REWRITE_PHASE, note_location) && add(NGX_HTTP_ACCESS_PHASE, answer_preflight)))
    return NGX_ERROR;
  return add(NGX_HTTP_POST_READ_PHASE, note_beginning) && add(NGX_HTTP_LOG_PHASE, count_request) ? NGX_OK : NGX_ERROR;
}

/// In the master, when nothing can fail any more: nginx ends if this says NGX_ERROR, so only the first start may.
ngx_int_t init_module(ngx_cycle_t* cycle) noexcept {
  const MainConf* const conf = main_conf(cycle);
  if (conf == nullptr || !conf->used || ngx_test_config) return NGX_OK;
  const bool prepared = prepare_data_folder(*cycle, *conf->application->config);
  return prepared || !ngx_is_init_cycle(cycle->old_cycle) ? NGX_OK : NGX_ERROR;
}

ngx_http_module_t context = {
    add_variables,         // preconfiguration
    finish_conf,           // postconfiguration
    create_main_conf,      // create main configuration
    nullptr,               // init main configuration
    create_server_conf,    // create server configuration
    nullptr,               // merge server configuration
    create_location_conf,  // create location configuration
    merge_location_conf,   // merge location configuration
};

}  // namespace

}  // namespace nacre::nginx

ngx_module_t ngx_http_nacre_module = {
    NGX_MODULE_V1,
    &nacre::nginx::context,
    nacre::nginx::commands,
    NGX_HTTP_MODULE,
    nullptr,  // init master
    nacre::nginx::init_module,
    nacre::nginx::Process::start,  // init process
    nullptr,                       // init thread
    nullptr,                       // exit thread
    nacre::nginx::Process::stop,   // exit process
    nullptr,                       // exit master
    NGX_MODULE_V1_PADDING,
};

ngx_module_t ngx_http_nacre_filter_module = {
    NGX_MODULE_V1, &nacre::nginx::filter_context,
    nullptr,       NGX_HTTP_MODULE,
    nullptr,       nullptr,
    nullptr,       nullptr,
    nullptr,       nullptr,
    nullptr,       NGX_MODULE_V1_PADDING,
};

ngx_module_t ngx_http_nacre_late_filter_module = {
    NGX_MODULE_V1, &nacre::nginx::late_filter_context,
    nullptr,       NGX_HTTP_MODULE,
    nullptr,       nullptr,
    nullptr,       nullptr,
    nullptr,       nullptr,
    nullptr,       NGX_MODULE_V1_PADDING,
};
