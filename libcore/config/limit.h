#pragma once

#include <vector>

#include "config/config.h"
#include "config/yaml.h"

namespace nacre::config {

/// Reads a resource's `limit`: one, or a list of which the first that fits a request holds.
std::vector<Limit> read_limits(const Source& source, const Member& member);

}  // namespace nacre::config
