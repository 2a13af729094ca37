#pragma once

#include "config/config.h"
#include "config/schema_files.h"
#include "config/yaml.h"

namespace nacre::config {

/// Reads one entry of `resources`. `cache_ttl` is the lifetime of its cache entries unless it says otherwise.
Resource read_resource(const Source& source, const Member& member, SchemaFiles& schemas, Milliseconds cache_ttl);

}  // namespace nacre::config
