#pragma once

#include <cstddef>

#include "cache/zone.h"
#include "metrics/registry.h"
#include "ngx.hpp"

namespace nacre::nginx {

/// nginx's own slab takes a little of a zone.
inline constexpr std::size_t kMinimumZone = 2 * cache::Zone::kMinimumSize;

struct MainConf;

/// Declares the shared-memory zone while the configuration is read; `conf.cache` is there once nginx has mapped it. nullptr
/// (and a logged error) when it can't be.
ngx_shm_zone_t* add_zone(ngx_conf_t* cf, MainConf& conf, std::size_t size) noexcept;

/// The size in bytes from which a zone holds a configuration's metrics.
std::size_t least_zone(const metrics::Room& room) noexcept;

}  // namespace nacre::nginx
