#include "zone.h"

#include "conf.h"
#include "data_folder.h"
#include "metrics/registry.h"
#include "process.h"

namespace nacre::nginx {

namespace {

/// What can be known before the configuration is served: a reload that fails here leaves the old one serving.
bool may_be_served(const MainConf& conf) noexcept {
  if (ngx_process == NGX_PROCESS_SINGLE && Process::running()) {
    ngx_log_error(NGX_LOG_EMERG, conf.cycle->log, 0,
                  "nacre: with \"master_process off\" a configuration can't be reloaded; start nginx anew");
    return false;
  }
  return judge_data_folder(*conf.cycle, *conf.application->config);
}

/// Called after nginx has mapped the zone, before it forks. `previous` is the last configuration's, with a zone of the same
/// size: it goes on, so that a reload keeps the cache.
ngx_int_t init_zone(ngx_shm_zone_t* zone, void* previous) noexcept try {
  auto& conf = *static_cast<MainConf*>(zone->data);
  if (conf.used && !may_be_served(conf)) return NGX_ERROR;
  if (previous != nullptr) {
    conf.cache = static_cast<MainConf*>(previous)->cache;
    return NGX_OK;
  }
  auto* const pool = reinterpret_cast<ngx_slab_pool_t*>(zone->shm.addr);
  if (zone->shm.exists) {
    conf.cache = static_cast<cache::Zone*>(pool->data);
    return NGX_OK;
  }
  // One allocation of all pages: nginx keeps its header and its lock, and what is in the pages is ours. Memory that was just
  // mapped is zeroed, and what is not touched takes none.
  const std::size_t size = pool->pfree * ngx_pagesize;
  void* const memory = ngx_slab_alloc(pool, size);
  if (memory == nullptr) return NGX_ERROR;
  conf.cache = &cache::Zone::format({static_cast<std::byte*>(memory), size});
  pool->data = conf.cache;
  metrics::Registry::format(conf.cache->metrics(), conf.application->metrics_room());
  const auto succession = cache::Succession::File::find_or_make();
  if (!succession) {
    ngx_log_error(NGX_LOG_EMERG, zone->shm.log, ngx_errno, "nacre: no memory to share with other zones");
    return NGX_ERROR;
  }
  conf.cache->join(*succession);
  return NGX_OK;
} catch (...) {
  return NGX_ERROR;
}

}  // namespace

ngx_shm_zone_t* add_zone(ngx_conf_t* cf, MainConf& conf, std::size_t size) noexcept {
  ngx_str_t name = ngx_string("nacre");
  ngx_shm_zone_t* const zone = ngx_shared_memory_add(cf, &name, size, &ngx_http_nacre_module);
  if (zone == nullptr) return nullptr;
  zone->init = init_zone;
  zone->data = &conf;
  return zone;
}

std::size_t least_zone(const metrics::Room& room) noexcept {
  std::size_t size = kMinimumZone;
  // The slab's own pages come off first.
  while (!room.fits(cache::Zone::metrics_size(size - size / 64))) size += kMinimumZone;
  return size;
}

}  // namespace nacre::nginx
