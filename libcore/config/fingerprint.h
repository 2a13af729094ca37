#pragma once

#include <cstdint>

#include "config/yaml.h"

namespace nacre::config {

/// A hash of all values after substitution, whatever the order of keys, comments and layout. Cryptographic (BLAKE2b), since it
/// is shown to operators and secrets are among the values.
std::uint64_t fingerprint(const Value& value);

}  // namespace nacre::config
