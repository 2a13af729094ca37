#pragma once

#include "base/json.h"

namespace nacre::schema {

/// Whether a number is an integer multiple of another one (> 0), decided on the decimal digits that people write: 0.3 is a
/// multiple of 0.1, though neither double is what it says.
bool is_multiple(const Json& number, const Json& of);

}  // namespace nacre::schema
