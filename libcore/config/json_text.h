#pragma once

#include "config/yaml.h"

namespace nacre::config {

/// Parses one JSON text (RFC 8259) into the values that YAML gives, places included. Refuses a name twice in one object and
/// depth over 64.
Value parse_json_text(const Source& source);

}  // namespace nacre::config
