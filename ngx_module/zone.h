#pragma once

#include <cstddef>

#include "cache/zone.h"
#include "ngx.hpp"

namespace nacre::nginx {

/// nginx's own slab takes a little of a zone.
inline constexpr std::size_t kMinimumZone = 2 * cache::Zone::kMinimumSize;

/// Declares the shared-memory zone while the configuration is read; nullptr (and a logged error) when it can't be.
ngx_shm_zone_t* add_zone(ngx_conf_t* cf, std::size_t size) noexcept;

/// The cache that lives in a zone, once nginx has mapped it.
cache::Zone& zone_of(const ngx_shm_zone_t& zone) noexcept;

}  // namespace nacre::nginx
