#pragma once

#include "config/config.h"
#include "config/yaml.h"

namespace nacre::config {

/// Reads `tracing`.
Tracing read_tracing(const Source& source, const Member& member);

}  // namespace nacre::config
