#pragma once

#include <vector>

#include "config/config.h"
#include "config/source.h"
#include "config/yaml.h"

namespace nacre::config {

/// A resource's `indexes`. What no store could keep is refused: uniqueness among values of several kinds, a field that no valid
/// document has, an order by text that no cursor could carry.
std::vector<Index> read_indexes(const Source& source, const Member& member, const schema::Schema& schema);

}  // namespace nacre::config
