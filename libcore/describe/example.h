#pragma once

#include "base/json.h"

namespace nacre::describe {

/// A small document that fits the schema, unless that is too clever: for
/// documentation.
Json example(const Json& schema);

}  // namespace nacre::describe
