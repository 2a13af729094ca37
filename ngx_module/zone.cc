#include "zone.h"

#include "metrics/registry.h"

namespace nacre::nginx {

namespace {

/// Called after nginx has mapped the zone, before it forks. `previous` is what the last configuration's zone of the same name
/// and size held: it goes on, so that a reload keeps the cache.
ngx_int_t init_zone(ngx_shm_zone_t* zone, void* previous) noexcept {
  if (previous != nullptr) {
    zone->data = previous;
    return NGX_OK;
  }
  auto* const pool = reinterpret_cast<ngx_slab_pool_t*>(zone->shm.addr);
  if (zone->shm.exists) {
    zone->data = pool->data;
    return NGX_OK;
  }
  // One allocation of all pages: nginx keeps its header and its lock, and what is in the pages is ours.
  const std::size_t size = pool->pfree * ngx_pagesize;
  void* const memory = ngx_slab_calloc(pool, size);
  if (memory == nullptr) return NGX_ERROR;
  cache::Zone& cache = cache::Zone::format({static_cast<std::byte*>(memory), size});
  metrics::Registry::format(cache.metrics());
  zone->data = pool->data = &cache;
  return NGX_OK;
}

}  // namespace

ngx_shm_zone_t* add_zone(ngx_conf_t* cf, std::size_t size) noexcept {
  ngx_str_t name = ngx_string("nacre");
  ngx_shm_zone_t* const zone = ngx_shared_memory_add(cf, &name, size, &ngx_http_nacre_module);
  if (zone != nullptr) zone->init = init_zone;
  return zone;
}

cache::Zone& zone_of(const ngx_shm_zone_t& zone) noexcept { return *static_cast<cache::Zone*>(zone.data); }

}  // namespace nacre::nginx
